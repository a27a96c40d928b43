import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AUDIENCE,
  ISSUER,
  jwksOf,
  TokenIssuer,
} from "../../packages/broker/test/sasl/token-issuer.ts";
import { TestAuthority } from "../../packages/broker/test/tls/certificates.ts";
import { BrokerProcess } from "./broker-process.ts";
import { freePorts } from "./free-ports.ts";
import { temporaryDirectory } from "./temp.ts";

export const ADMIN = "admin";
/** No attacker guesses it. */
export const ADMIN_PASSWORD = "zz-the-password-of-the-admin";

export interface SecuredBroker {
  readonly broker: BrokerProcess;
  /** For the test's own eyes. */
  readonly open: number;
  readonly sasl: number;
  readonly saslOverTls: number;
  readonly tls: { readonly ca: string };
  /** Whose tokens it believes. */
  readonly issuer: TokenIssuer;
}

/** A process that lets in one user, with passwords of every kind, with TLS and without. */
export async function securedBroker(): Promise<SecuredBroker> {
  const [open, sasl, saslOverTls] = (await freePorts(3)) as [number, number, number];
  const directory = await temporaryDirectory();
  const authority = new TestAuthority();
  const { certificate, key } = authority.broker();
  const module = "org.apache.kafka.common.security.plain.PlainLoginModule";
  const jaas = `${module} required user_${ADMIN}="${ADMIN_PASSWORD}";`;
  const issuer = new TokenIssuer("key");
  const keys = join(directory, "keys.json");
  writeFileSync(keys, jwksOf(issuer));
  const ports = [`OPEN://127.0.0.1:${open}`, `USERS://127.0.0.1:${sasl}`];
  const kafka = {
    listeners: [...ports, `BOTH://127.0.0.1:${saslOverTls}`].join(),
    "listener.security.protocol.map": "OPEN:PLAINTEXT,USERS:SASL_PLAINTEXT,BOTH:SASL_SSL",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": certificate,
    "ssl.keystore.key": key,
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
    "sasl.oauthbearer.jwks.endpoint.url": `file://${keys}`,
    "sasl.oauthbearer.expected.audience": AUDIENCE,
    "sasl.oauthbearer.expected.issuer": ISSUER,
    "listener.name.users.plain.sasl.jaas.config": jaas,
    "listener.name.both.plain.sasl.jaas.config": jaas,
    "connection.failed.authentication.delay.ms": "1",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": `User:${ADMIN};User:ANONYMOUS`,
    "auto.create.topics.enable": "false",
  };
  const config = join(directory, "broker.yaml");
  writeFileSync(config, JSON.stringify({ data_dir: join(directory, "data"), kafka }));
  const broker = new BrokerProcess({ port: open, commandLine: ["--config", config] });
  return { broker, open, sasl, saslOverTls, tls: { ca: authority.certificate }, issuer };
}
