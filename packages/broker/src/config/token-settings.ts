// How a listener checks the bearer tokens of SASL OAUTHBEARER, by Kafka's configs.
import { jaasOptions } from "./jaas.ts";
import { splitList } from "./kafka/definition.ts";
import type { ListenerConfigs } from "./listener-configs.ts";
import { ValueError } from "./values.ts";

export interface TokenSettings {
  /** Where the keys are that sign tokens; null for tokens without a signature. */
  readonly jwks: JwksSettings | null;
  /** One of them must be in the claim `aud`; empty for any. */
  readonly audiences: readonly string[];
  /** Must be the claim `iss`; null for any. */
  readonly issuer: string | null;
  /** Scopes that the claim must have. */
  readonly requiredScopes: readonly string[];
  /** How much the clock of the issuer may differ, ms. */
  readonly clockSkewMs: number;
  /** The claim with the user's name. */
  readonly subClaim: string;
  readonly scopeClaim: string;
}

export interface JwksSettings {
  /** http:, https: or file: */
  readonly url: URL;
  readonly refreshMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

const JWKS_URL = "sasl.oauthbearer.jwks.endpoint.url";
const HANDLER = "oauthbearer.sasl.server.callback.handler.class";
const VALIDATOR = "sasl.oauthbearer.jwt.validator.class";
const AUDIENCE = "sasl.oauthbearer.expected.audience";
const ANY_AUDIENCE = "sasl.oauthbearer.allow.unverified.audience";
const ISSUER = "sasl.oauthbearer.expected.issuer";
const ANY_ISSUER = "sasl.oauthbearer.allow.unverified.issuer";

/** Kafka's classes for signed tokens; the second is the name that they had before Kafka 4.1. */
const SIGNED = [
  "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
  "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerValidatorCallbackHandler",
];
const UNSECURED =
  "org.apache.kafka.common.security.oauthbearer.internals.unsecured." +
  "OAuthBearerUnsecuredValidatorCallbackHandler";
const VALIDATORS = ["DefaultJwtValidator", "BrokerJwtValidator"].map(
  (name) => `org.apache.kafka.common.security.oauthbearer.${name}`,
);

/** Throws ValueError, which names the config. */
export function tokenSettingsOf(configs: ListenerConfigs): TokenSettings {
  const read: ListenerConfigs = (name) => configs(`oauthbearer.${name}`) ?? configs(name);
  const url = read(JWKS_URL);
  const handler = configs(HANDLER);
  const known = [...SIGNED, UNSECURED];
  if (handler !== null && !known.includes(handler)) {
    throw new ValueError(`${HANDLER}: only ${known.join(" and ")} are known, not ${handler}`);
  }
  if (handler !== null && (handler === UNSECURED) !== (url === null)) {
    const todo = url === null ? `set ${JWKS_URL}` : `leave out ${JWKS_URL}, or the class`;
    throw new ValueError(`${HANDLER} is ${handler}: ${todo}`);
  }
  const jaas = jaasOptions(configs("oauthbearer.sasl.jaas.config") ?? "Default required;");
  const unheeded = [...jaas.keys()].find((name) => name.startsWith("ssl."));
  if (unheeded !== undefined) {
    const todo = "give the authority's certificate to Node by NODE_EXTRA_CA_CERTS";
    throw new ValueError(`sasl.jaas.config: ${unheeded} has no effect: ${todo}`);
  }
  return url === null ? unsecured(jaas) : signed(read, url);
}

function signed(read: ListenerConfigs, url: string): TokenSettings {
  const validator = read(VALIDATOR);
  if (validator !== null && !VALIDATORS.includes(validator)) {
    throw new ValueError(`${VALIDATOR}: only ${VALIDATORS.join(" and ")} are known`);
  }
  const audiences = splitList(read(AUDIENCE) ?? "");
  const issuer = read(ISSUER);
  const refuse = (config: string, claim: string, any: string) => {
    if (read(any) === "true") return;
    const why = `without it the claim ${claim} of tokens can't be checked`;
    throw new ValueError(`${JWKS_URL} needs ${config}: ${why}; or set ${any}=true`);
  };
  if (audiences.length === 0) refuse(AUDIENCE, "aud", ANY_AUDIENCE);
  if (issuer === null) refuse(ISSUER, "iss", ANY_ISSUER);
  return {
    jwks: jwksSettings(read, url),
    ...{ audiences, issuer, requiredScopes: [] },
    clockSkewMs: Number(read("sasl.oauthbearer.clock.skew.seconds") ?? 30) * 1_000,
    subClaim: read("sasl.oauthbearer.sub.claim.name") ?? "sub",
    scopeClaim: read("sasl.oauthbearer.scope.claim.name") ?? "scope",
  };
}

function jwksSettings(read: ListenerConfigs, text: string): JwksSettings {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:", "file:"].includes(url.protocol)) {
    throw new ValueError(`${JWKS_URL} must be a URL with http:, https: or file:`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new ValueError(`${JWKS_URL} must not contain a user or a password`);
  }
  const ms = (name: string, fallback: number) => Number(read(name) ?? fallback);
  return {
    url,
    refreshMs: ms("sasl.oauthbearer.jwks.endpoint.refresh.ms", 3_600_000),
    retryBackoffMs: ms("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", 100),
    retryBackoffMaxMs: ms("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", 10_000),
  };
}

const JAAS_PREFIX = "unsecuredValidator";

/** The options of Kafka's OAuthBearerUnsecuredValidatorCallbackHandler, in the JAAS config. */
function unsecured(jaas: ReadonlyMap<string, string>): TokenSettings {
  const option = (name: string) => jaas.get(`${JAAS_PREFIX}${name}`)?.trim() || null;
  const clockSkewMs = Number(option("AllowableClockSkewMs") ?? 0);
  if (!Number.isInteger(clockSkewMs) || clockSkewMs < 0) {
    throw new ValueError(`sasl.jaas.config: ${JAAS_PREFIX}AllowableClockSkewMs must be at least 0`);
  }
  return {
    ...{ jwks: null, audiences: [], issuer: null, clockSkewMs },
    requiredScopes: option("RequiredScope")?.split(/\s+/) ?? [],
    subClaim: option("PrincipalClaimName") ?? "sub",
    scopeClaim: option("ScopeClaimName") ?? "scope",
  };
}
