import type * as Jose from "jose";
import type { TokenSettings } from "../config/token-settings.ts";
import { type Claims, shown } from "./claims.ts";
import type { JwksKeys } from "./jwks-keys.ts";
import { TokenError } from "./token-error.ts";

/** With a public key only: `none` signs nothing, and HS256 would take a public key for a secret. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** The claims of a token that a key of the JWKS has signed. Rejects with TokenError. */
export async function signedClaims(
  token: string,
  keys: JwksKeys,
  settings: TokenSettings,
  nowMs: number,
): Promise<Claims> {
  // Loaded here, because only listeners with a JWKS need it.
  const jose = await import("jose");
  const options: Jose.JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    currentDate: new Date(nowMs),
    clockTolerance: settings.clockSkewMs / 1_000,
    requiredClaims: ["exp", "iat"],
    ...(settings.audiences.length > 0 && { audience: [...settings.audiences] }),
    ...(settings.issuer !== null && { issuer: settings.issuer }),
  };
  const verified = async () => verify(jose, token, await keys.known(), options);
  try {
    return await verified().catch(async (error: unknown) => {
      if (codeOf(error) !== NO_KEY || !(await keys.refreshEarly())) throw error;
      return verified();
    });
  } catch (error) {
    if (error instanceof TokenError) throw error;
    const { problem } = keys;
    if (codeOf(error) !== NO_KEY || problem === null) throw refused(error as Error, settings);
    throw new TokenError(
      `its key is not among those that are known, and ${problem}`,
      "unavailable",
    );
  }
}

const NO_KEY = "ERR_JWKS_NO_MATCHING_KEY";

async function verify(
  jose: typeof Jose,
  token: string,
  keys: Jose.JWTVerifyGetKey,
  options: Jose.JWTVerifyOptions,
): Promise<Claims> {
  try {
    return (await jose.jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw error;
    return verifyByAny(jose, token, error, options);
  }
}

/** For a token that does not name its key. */
async function verifyByAny(
  jose: typeof Jose,
  token: string,
  keys: AsyncIterable<Jose.CryptoKey>,
  options: Jose.JWTVerifyOptions,
): Promise<Claims> {
  for await (const key of keys) {
    try {
      return (await jose.jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof jose.errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new jose.errors.JWSSignatureVerificationFailed();
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: "it has expired",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "its signature is wrong",
  ERR_JWKS_NO_MATCHING_KEY: "no key of the JWKS could have signed it",
  ERR_JOSE_ALG_NOT_ALLOWED: `its algorithm is none of ${ALGORITHMS.join(", ")}`,
};

function refused(error: Error, { audiences, issuer }: TokenSettings): TokenError {
  const { code = "", claim, payload } = error as Partial<Jose.errors.JWTClaimValidationFailed>;
  if (code !== "ERR_JWT_CLAIM_VALIDATION_FAILED" || claim === undefined) {
    // Some messages repeat what the token says, before its signature is checked.
    return new TokenError(REASONS[code] ?? `it can't be checked: ${shown(error.message)}`);
  }
  // The signature was checked before: the claims are the issuer's own.
  const has = `its claim ${claim} is ${shown(payload?.[claim])}`;
  if (claim === "aud") return new TokenError(`${has}, expected is ${audiences.join(" or ")}`);
  if (claim === "iss") return new TokenError(`${has}, expected is ${issuer}`);
  if (claim === "nbf") return new TokenError("it is not valid yet");
  return new TokenError(`${has}, which is not valid`);
}
