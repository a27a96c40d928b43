import { RefusedRequest } from "../server/refused-request.ts";
import type { BearerTokens } from "./bearer-tokens.ts";
import {
  AuthenticationError,
  type Exchange,
  OTHER_AUTHORIZATION_ID,
  type Step,
  toldFailure,
} from "./exchange.ts";
import { TokenError } from "./token-error.ts";

const SEPARATOR = "\x01";
const GS2_HEADER = /^n,(?:a=((?:[^,=]|=2C|=3D)+))?,$/;
const PAIR = /^([A-Za-z]+)=([\x21-\x7e \t\r\n]+)$/;
const BEARER = /^Bearer +([-_~+/.A-Za-z0-9]+=*)$/i;

/**
 * OAUTHBEARER (RFC 7628): one message with a token. If the token is refused, the client is told so
 * in JSON; it answers with one byte, and the exchange fails. Extensions are taken and not used, as
 * by Kafka's own validators.
 */
export class OAuthBearerExchange implements Exchange {
  readonly #tokens: BearerTokens;
  #failure: AuthenticationError | null = null;

  constructor(tokens: BearerTokens) {
    this.#tokens = tokens;
  }

  get failure(): AuthenticationError | null {
    return this.#failure;
  }

  async next(message: Uint8Array): Promise<Step> {
    if (this.#failure !== null) throw this.#failure;
    const { token, authorizationId } = parsed(Buffer.from(message).toString("utf8"));
    try {
      const { principal, expiresMs } = await this.#tokens.validate(token);
      if (authorizationId !== "" && authorizationId !== principal.name) {
        throw toldFailure(OTHER_AUTHORIZATION_ID);
      }
      return { token: new Uint8Array(0), user: principal.name, expiresMs };
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      return this.#refused(error);
    }
  }

  #refused({ message, status, scope }: TokenError): Step {
    // A client that is told of a failed authentication gives up; one that is cut off tries again.
    if (status === "unavailable") throw new RefusedRequest("authentication", message);
    const told = JSON.stringify({ status, ...(scope !== null && { scope }) });
    this.#failure = new AuthenticationError(`its token is refused: ${message}`, told);
    return { token: Buffer.from(told), user: null };
  }
}

function parsed(message: string): { token: string; authorizationId: string } {
  const [header = "", ...pairs] = message.split(SEPARATOR);
  const gs2 = GS2_HEADER.exec(header);
  if (gs2 === null || pairs.pop() !== "" || pairs.pop() !== "") throw malformed();
  const byKey = new Map<string, string>();
  for (const pair of pairs) {
    const [, key, value] = PAIR.exec(pair) ?? [];
    if (key === undefined || value === undefined || byKey.has(key)) throw malformed();
    byKey.set(key, value);
  }
  const token = BEARER.exec(byKey.get("auth") ?? "")?.[1];
  if (token === undefined) throw malformed();
  return { token, authorizationId: unescaped(gs2[1] ?? "") };
}

function malformed(): AuthenticationError {
  return toldFailure('the message is not "n,,", then "auth=Bearer TOKEN", as in RFC 7628');
}

function unescaped(name: string): string {
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}
