import type { Timers } from "../env/env.ts";
import { type KafkaPrincipal, user as userPrincipal } from "../security/principal.ts";
import { type HttpLogin, type HttpPeer, LogInUnavailable } from "../server/gate.ts";
import { RefusedRequest } from "../server/refused-request.ts";
import type { BearerTokens } from "./bearer-tokens.ts";
import { AuthenticationError } from "./exchange.ts";
import { PlainExchange } from "./plain.ts";
import type { GateParts } from "./sasl-gate.ts";
import { TokenError } from "./token-error.ts";

type HttpLoginParts = Pick<GateParts, "settings" | "credentials" | "tokens" | "env" | "ready">;

/** One scheme of the Authorization header. */
interface Scheme {
  /** As messages name it. */
  readonly name: string;
  readonly challenge: string;
  readonly needsTls: boolean;
  /** Rejects with AuthenticationError or LogInUnavailable. */
  authenticate(credentials: string, address: string): Promise<KafkaPrincipal>;
}

const AUTHORIZATION = /^([A-Za-z]{1,20}) +([^ ]+) *$/;
/** The user name and the password, joined by a colon (RFC 7617). */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Logs in the HTTP clients of one listener, by the means of its SASL mechanisms. */
export class SaslHttpLogin implements HttpLogin {
  readonly #schemes: readonly Scheme[];
  readonly #timers: Timers;
  readonly #failedDelayMs: number;
  isReady = false;

  constructor(parts: HttpLoginParts) {
    this.#timers = parts.env.timers;
    this.#failedDelayMs = parts.settings.failedDelayMs;
    this.#schemes = schemesOf(parts);
    void parts.ready.then(() => {
      this.isReady = true;
    });
  }

  challenges(hasTls: boolean): readonly string[] {
    return this.#offered(hasTls).map(({ challenge }) => challenge);
  }

  async authenticate(
    authorization: string,
    { remoteAddress, hasTls }: HttpPeer,
  ): Promise<KafkaPrincipal> {
    const [, name = "", credentials = ""] = AUTHORIZATION.exec(authorization) ?? [];
    const scheme = this.#offered(hasTls).find(
      (one) => one.name.toLowerCase() === name.toLowerCase(),
    );
    try {
      if (scheme === undefined) throw new AuthenticationError("its scheme is not offered here");
      return await scheme.authenticate(credentials, remoteAddress);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      // As over Kafka's protocol, so that guessing takes time.
      await new Promise<void>((resolve) => void this.#timers.after(this.#failedDelayMs, resolve));
      const shown = scheme === undefined ? "HTTP" : `HTTP ${scheme.name}`;
      throw new RefusedRequest("authentication", `${shown}: ${error.message}`);
    }
  }

  #offered(hasTls: boolean): readonly Scheme[] {
    return this.#schemes.filter(({ needsTls }) => hasTls || !needsTls);
  }
}

function schemesOf({ settings, credentials, tokens }: HttpLoginParts): Scheme[] {
  const schemes: Scheme[] = tokens === null ? [] : [bearer(tokens)];
  const { mechanisms, plainUsers } = settings;
  const hasPlain = mechanisms.includes("PLAIN");
  const hasScram = mechanisms.some((name) => name.startsWith("SCRAM-"));
  if (!hasPlain && !hasScram) return schemes;
  // As over Kafka's protocol, the users of the config count only where PLAIN is enabled.
  const users = () => (hasPlain ? plainUsers.reveal() : new Map<string, string>());
  const plain = (address: string) => new PlainExchange(credentials, users(), address);
  return [...schemes, basic(plain, !hasPlain)];
}

/**
 * Basic sends the password itself, as PLAIN does. Who enables only SCRAM does not want passwords on
 * the network: there it needs TLS.
 */
function basic(plain: (address: string) => PlainExchange, needsTls: boolean): Scheme {
  return {
    ...{ name: "Basic", needsTls },
    challenge: 'Basic realm="tarpan", charset="UTF-8"',
    async authenticate(credentials, address) {
      const text = BASE64.test(credentials) ? Buffer.from(credentials, "base64").toString() : "";
      const colon = text.indexOf(":");
      // The separator of PLAIN's message.
      if (colon < 0 || text.includes("\0")) {
        throw new AuthenticationError("its Authorization header is malformed");
      }
      const [name, password] = [text.slice(0, colon), text.slice(colon + 1)];
      const { user } = await plain(address).next(Buffer.from(`\0${name}\0${password}`));
      return userPrincipal(user!);
    },
  };
}

/** RFC 6750. */
function bearer(tokens: BearerTokens): Scheme {
  return {
    ...{ name: "Bearer", needsTls: false },
    challenge: 'Bearer realm="tarpan"',
    async authenticate(token) {
      try {
        return (await tokens.validate(token)).principal;
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        if (error.status === "unavailable") throw new LogInUnavailable(error.message);
        throw new AuthenticationError(`its token is refused: ${error.message}`);
      }
    },
  };
}
