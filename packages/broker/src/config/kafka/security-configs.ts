import { definitionsIn } from "./config-lines.ts";
import type { ConfigDefinition } from "./definition.ts";

/** Kafka's configs of TLS that the broker obeys, in the form of config-lines.ts. */
const TLS = `
  ssl.cipher.suites list ""
  ssl.client.auth string none required|requested|none
  ssl.enabled.protocols list TLSv1.2,TLSv1.3
  ssl.key.password password -
  ssl.keystore.certificate.chain password -
  ssl.keystore.key password -
  ssl.keystore.location string -
  ssl.keystore.password password -
  ssl.keystore.type string JKS
  ssl.principal.mapping.rules string DEFAULT
  ssl.truststore.certificates password -
  ssl.truststore.location string -
  ssl.truststore.password password -
  ssl.truststore.type string JKS
`;

const OAUTH = "org.apache.kafka.common.security.oauthbearer";

/** The same for SASL. */
const SASL = `
  connection.failed.authentication.delay.ms int 100 >=0
  connections.max.reauth.ms long 0
  sasl.enabled.mechanisms list GSSAPI
  sasl.oauthbearer.allow.unverified.audience boolean false
  sasl.oauthbearer.allow.unverified.issuer boolean false
  sasl.oauthbearer.clock.skew.seconds int 30
  sasl.oauthbearer.expected.audience list ""
  sasl.oauthbearer.expected.issuer string -
  sasl.oauthbearer.jwks.endpoint.refresh.ms long 3600000 >=1
  sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms long 10000 >=1
  sasl.oauthbearer.jwks.endpoint.retry.backoff.ms long 100 >=1
  sasl.oauthbearer.jwks.endpoint.url string -
  sasl.oauthbearer.jwt.validator.class class ${OAUTH}.DefaultJwtValidator
  sasl.oauthbearer.scope.claim.name string scope
  sasl.oauthbearer.sub.claim.name string sub
  sasl.server.max.receive.size int 524288
`;

export const TLS_CONFIGS: readonly ConfigDefinition[] = definitionsIn(TLS, null);

export const SASL_CONFIGS: readonly ConfigDefinition[] = definitionsIn(SASL, null);

/** Only for one listener and mechanism, as in Kafka: `listener.name.x.plain.sasl.jaas.config`. */
export const JAAS_CONFIG = "sasl.jaas.config";

/** The same; only Kafka's own classes for OAUTHBEARER are known. */
export const CALLBACK_HANDLER_CONFIG = "sasl.server.callback.handler.class";

/** Those that one listener may have for itself: `listener.name.<listener>.<config>`. */
export const LISTENER_CONFIGS: ReadonlySet<string> = new Set([
  ...[...TLS_CONFIGS, ...SASL_CONFIGS].map(({ name }) => name),
  ...[JAAS_CONFIG, CALLBACK_HANDLER_CONFIG],
]);
