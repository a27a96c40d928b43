import type { TokenSettings } from "../config/token-settings.ts";
import { type Claims, expiryMsOf, numberClaim } from "./claims.ts";
import { TokenError } from "./token-error.ts";

/**
 * The claims of a token without a signature, which anybody can make: for tests, as Kafka's
 * `OAuthBearerUnsecuredValidatorCallbackHandler`. Throws TokenError.
 */
export function unsecuredClaims(
  token: string,
  { clockSkewMs }: Pick<TokenSettings, "clockSkewMs">,
  nowMs: number,
): Claims {
  const parts = token.split(".");
  if (parts.length !== 3) throw new TokenError("it is not the three parts of a JWT");
  const [header, body, signature] = parts as [string, string, string];
  if (decoded(header).alg !== "none" || signature !== "") {
    const todo = "set sasl.oauthbearer.jwks.endpoint.url to check it";
    throw new TokenError(`it is signed, and this listener knows no keys: ${todo}`);
  }
  const claims = decoded(body);
  const expiresMs = expiryMsOf(claims);
  const issuedSeconds = numberClaim(claims, "iat");
  if (nowMs - clockSkewMs >= expiresMs) throw new TokenError("it has expired");
  if (issuedSeconds === null) return claims;
  const issuedMs = issuedSeconds * 1_000;
  if (issuedMs > nowMs + clockSkewMs) throw new TokenError("it is issued in the future");
  if (issuedMs >= expiresMs) throw new TokenError("it expires before it is issued");
  return claims;
}

const BASE64_URL = /^[A-Za-z0-9_-]+$/;

function decoded(part: string): Claims {
  if (!BASE64_URL.test(part)) throw new TokenError("it is not base64url");
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    throw new TokenError("it is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Claims;
  throw new TokenError("it is not a JSON object");
}
