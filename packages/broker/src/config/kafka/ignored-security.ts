// Kafka's configs of TLS, SASL, authorization and policies, in the form of config-lines.ts. A
// broker refuses any value of them that asks for security: see start-configs.ts.
export const IGNORED_SECURITY = `
  alter.config.policy.class.name class -
  create.topic.policy.class.name class -
  delegation.token.expiry.check.interval.ms long 3600000 >=1
  delegation.token.expiry.time.ms long 86400000 >=1
  delegation.token.max.lifetime.ms long 604800000 >=1
  delegation.token.secret.key password -
  principal.builder.class class - each
  sasl.jaas.config password - each
  sasl.kerberos.kinit.cmd string /usr/bin/kinit each
  sasl.kerberos.min.time.before.relogin long 60000 each
  sasl.kerberos.principal.to.local.rules list DEFAULT each
  sasl.kerberos.service.name string - each
  sasl.kerberos.ticket.renew.jitter double 0.05 each
  sasl.kerberos.ticket.renew.window.factor double 0.8 each
  sasl.mechanism.controller.protocol string GSSAPI
  sasl.mechanism.inter.broker.protocol string GSSAPI each
  sasl.server.callback.handler.class class -
  security.inter.broker.protocol string PLAINTEXT PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL
  security.providers string -
  ssl.allow.dn.changes boolean false
  ssl.allow.san.changes boolean false
  ssl.endpoint.identification.algorithm string https each
  ssl.engine.factory.class class - each
  ssl.keymanager.algorithm string SunX509 each
  ssl.protocol string TLSv1.3 each
  ssl.provider string - each
  ssl.secure.random.implementation string - each
  ssl.trustmanager.algorithm string PKIX each
`;

/** Those by which a broker of Kafka logs in to another one: here none does. */
export const IGNORED_LOGIN = `
  sasl.client.callback.handler.class class -
  sasl.login.callback.handler.class class -
  sasl.login.class class -
  sasl.login.connect.timeout.ms int -
  sasl.login.read.timeout.ms int -
  sasl.login.refresh.buffer.seconds short 300 each
  sasl.login.refresh.min.period.seconds short 60 each
  sasl.login.refresh.window.factor double 0.8 each
  sasl.login.refresh.window.jitter double 0.05 each
  sasl.login.retry.backoff.max.ms long 10000
  sasl.login.retry.backoff.ms long 100
  sasl.oauthbearer.assertion.algorithm string RS256 ES256|RS256
  sasl.oauthbearer.assertion.claim.aud string -
  sasl.oauthbearer.assertion.claim.exp.seconds int 300 0..86400
  sasl.oauthbearer.assertion.claim.iss string -
  sasl.oauthbearer.assertion.claim.jti.include boolean false
  sasl.oauthbearer.assertion.claim.nbf.seconds int 60 0..3600
  sasl.oauthbearer.assertion.claim.sub string -
  sasl.oauthbearer.assertion.file string -
  sasl.oauthbearer.assertion.private.key.file string -
  sasl.oauthbearer.assertion.private.key.passphrase password -
  sasl.oauthbearer.assertion.template.file string -
  sasl.oauthbearer.client.credentials.client.id string -
  sasl.oauthbearer.client.credentials.client.secret password -
  sasl.oauthbearer.jwt.retriever.class class -
  sasl.oauthbearer.scope string -
  sasl.oauthbearer.token.endpoint.url string -
`;
