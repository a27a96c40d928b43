import type { TokenSettings } from "../config/token-settings.ts";
import type { Clock } from "../env/env.ts";
import { type KafkaPrincipal, user } from "../security/principal.ts";
import { type Claims, checkScopes, expiryMsOf, textClaim } from "./claims.ts";
import { JwksKeys, type JwksParts } from "./jwks-keys.ts";
import { signedClaims } from "./signed-tokens.ts";
import { unsecuredClaims } from "./unsecured-tokens.ts";

/** Who a token is of. */
export interface TokenOwner {
  readonly principal: KafkaPrincipal;
  /** When the token expires, ms since the epoch. */
  readonly expiresMs: number;
}

/** Checks the bearer tokens of one listener: for SASL OAUTHBEARER, and for HTTP. */
export class BearerTokens {
  /** Null if tokens have no signature. */
  readonly keys: JwksKeys | null;
  readonly #settings: TokenSettings;
  readonly #clock: Clock;

  constructor(listener: string, settings: TokenSettings, parts: JwksParts) {
    this.#settings = settings;
    this.#clock = parts.env.clock;
    this.keys = settings.jwks === null ? null : new JwksKeys(listener, settings.jwks, parts);
  }

  /**
   * Rejects with TokenError. As in Kafka, a token may have expired as long ago as clocks may
   * differ: `expiresMs` may be in the past.
   */
  async validate(token: string): Promise<TokenOwner> {
    const { subClaim, scopeClaim, requiredScopes } = this.#settings;
    const claims = await this.#claims(token);
    const name = textClaim(claims, subClaim);
    checkScopes(claims, scopeClaim, requiredScopes);
    return { principal: user(name), expiresMs: expiryMsOf(claims) };
  }

  #claims(token: string): Promise<Claims> | Claims {
    const nowMs = this.#clock.wallMs();
    if (this.keys !== null) return signedClaims(token, this.keys, this.#settings, nowMs);
    return unsecuredClaims(token, this.#settings, nowMs);
  }
}
