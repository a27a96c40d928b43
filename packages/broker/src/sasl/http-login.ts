import type { SaslSettings } from "../config/sasl-settings.ts";
import type { Timers } from "../env/env.ts";
import { type KafkaPrincipal, user as userPrincipal } from "../security/principal.ts";
import type { HttpLogin } from "../server/gate.ts";
import { RefusedRequest } from "../server/refused-request.ts";
import type { Credentials } from "./credentials.ts";
import { AuthenticationError } from "./exchange.ts";
import { PlainExchange } from "./plain.ts";

interface HttpLoginParts {
  readonly settings: SaslSettings;
  readonly credentials: Credentials;
  readonly timers: Timers;
  /** Resolves when the users are known. */
  readonly ready: Promise<unknown>;
}

/** One scheme of the Authorization header. */
interface Scheme {
  /** As messages name it. */
  readonly name: string;
  readonly challenge: string;
  readonly needsTls: boolean;
  /** Rejects with AuthenticationError. */
  authenticate(credentials: string): Promise<KafkaPrincipal>;
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
    this.#timers = parts.timers;
    this.#failedDelayMs = parts.settings.failedDelayMs;
    this.#schemes = schemesOf(parts);
    void parts.ready.then(() => {
      this.isReady = true;
    });
  }

  challenges(hasTls: boolean): readonly string[] {
    return this.#offered(hasTls).map(({ challenge }) => challenge);
  }

  async authenticate(authorization: string, hasTls: boolean): Promise<KafkaPrincipal> {
    const [, name = "", credentials = ""] = AUTHORIZATION.exec(authorization) ?? [];
    const scheme = this.#offered(hasTls).find(
      (one) => one.name.toLowerCase() === name.toLowerCase(),
    );
    try {
      if (scheme === undefined) throw new AuthenticationError("its scheme is not offered here");
      return await scheme.authenticate(credentials);
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

function schemesOf({ settings, credentials }: HttpLoginParts): Scheme[] {
  const { mechanisms, plainUsers } = settings;
  const hasPlain = mechanisms.includes("PLAIN");
  const hasScram = mechanisms.some((name) => name.startsWith("SCRAM-"));
  if (!hasPlain && !hasScram) return [];
  return [basic(new PlainExchange(credentials, hasPlain ? plainUsers : new Map()), !hasPlain)];
}

/**
 * Basic sends the password itself, as PLAIN does. Who enables only SCRAM does not want passwords on
 * the network: there it needs TLS.
 */
function basic(plain: PlainExchange, needsTls: boolean): Scheme {
  return {
    ...{ name: "Basic", needsTls },
    challenge: 'Basic realm="tarpan", charset="UTF-8"',
    async authenticate(credentials) {
      const text = BASE64.test(credentials) ? Buffer.from(credentials, "base64").toString() : "";
      const colon = text.indexOf(":");
      // The separator of PLAIN's message.
      if (colon < 0 || text.includes("\0")) {
        throw new AuthenticationError("its Authorization header is malformed");
      }
      const [name, password] = [text.slice(0, colon), text.slice(colon + 1)];
      const { user } = await plain.next(Buffer.from(`\0${name}\0${password}`));
      return userPrincipal(user!);
    },
  };
}
