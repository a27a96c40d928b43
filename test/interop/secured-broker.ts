import { Kafka, logLevel } from "kafkajs";
import { KafkaSocket } from "../../packages/broker/test/runtime/kafka-socket.ts";
import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import { createUser } from "../../packages/broker/test/sasl/sasl-client.ts";
import { TestAuthority, TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { OAuthIssuer } from "./oauth-issuer.ts";

/** The ways to log in, each to a listener of its own, all with TLS. */
export const WAYS = ["SCRAM", "mutual TLS", "OAUTHBEARER", "unsecured OAUTHBEARER"] as const;
export type Way = (typeof WAYS)[number];

const LISTENERS = ["USERS", "MUTUAL", "SIGNED", "UNSECURED", "OPEN"] as const;
const OPEN = LISTENERS.indexOf("OPEN");
export const BOB = { username: "bob", password: "b-secret" } as const;

/** Who a client is: files and texts for its configs. */
export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A broker in this process for clients of all ways. ACLs are on, so it has to know who they are. */
export class SecuredBroker implements AsyncDisposable {
  readonly #at: Awaited<ReturnType<typeof startOnRealPorts>>;
  readonly issuer: OAuthIssuer;
  readonly directory: TestDirectory;
  /** Of the broker's authority, and of alice, for mutual TLS. */
  readonly pem: Credentials;
  readonly files: Credentials;

  private constructor(made: {
    at: Awaited<ReturnType<typeof startOnRealPorts>>;
    issuer: OAuthIssuer;
    directory: TestDirectory;
    pem: Credentials;
    files: Credentials;
  }) {
    this.#at = made.at;
    this.issuer = made.issuer;
    this.directory = made.directory;
    this.pem = made.pem;
    this.files = made.files;
  }

  static async start(): Promise<SecuredBroker> {
    const authority = new TestAuthority();
    const alice = authority.issue("alice");
    const pem = { ca: authority.certificate, ...alice };
    const issuer = await OAuthIssuer.start();
    const at = await startOnRealPorts(configsOf(authority, issuer));
    using open = KafkaSocket.plain(at.port(OPEN));
    await createUser(open, "SCRAM-SHA-512", BOB.username, BOB.password);
    const directory = await TestDirectory.make();
    const files = {
      ca: await directory.write("ca.pem", pem.ca),
      certificate: await directory.write("alice.pem", pem.certificate),
      key: await directory.write("alice.key", pem.key),
    };
    return new SecuredBroker({ at, issuer, directory, pem, files });
  }

  addressOf(way: Way) {
    const port = this.#at.port(WAYS.indexOf(way));
    return { port, bootstrap: `localhost:${port}` };
  }

  /** Without TLS, for what a test does beside its client. */
  get open(): string {
    return `localhost:${this.#at.port(OPEN)}`;
  }

  async createTopic(topic: string): Promise<void> {
    const admin = new Kafka({ brokers: [this.open], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    await admin.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
    await this.#at.broker.stop();
    await this.issuer[Symbol.asyncDispose]();
  }
}

function configsOf(authority: TestAuthority, issuer: OAuthIssuer): Record<string, string> {
  const own = authority.broker();
  return {
    listeners: LISTENERS.map((name) => `${name}://localhost:0`).join(),
    "listener.security.protocol.map":
      "USERS:SASL_SSL,MUTUAL:SSL,SIGNED:SASL_SSL,UNSECURED:SASL_SSL,OPEN:PLAINTEXT",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": own.certificate,
    "ssl.keystore.key": own.key,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": authority.certificate,
    "listener.name.mutual.ssl.client.auth": "required",
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    "listener.name.users.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    ...issuer.listenerConfigs("signed"),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:bob;User:CN=alice;User:service;User:carol;User:ANONYMOUS",
    "group.initial.rebalance.delay.ms": "0",
  };
}
