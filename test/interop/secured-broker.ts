import { startOnRealPorts } from "../../packages/broker/test/runtime/on-real-ports.ts";
import { TestAuthority, TestDirectory } from "../../packages/broker/test/tls/certificates.ts";
import { Admin, Client } from "../../packages/client/src/index.ts";
import { aclOf, type Need } from "./needed-acls.ts";
import { OAuthIssuer } from "./oauth-issuer.ts";

/** The ways to log in, each to a listener of its own, all with TLS. */
export const WAYS = ["SCRAM", "mutual TLS", "OAUTHBEARER", "unsecured OAUTHBEARER"] as const;
export type Way = (typeof WAYS)[number];

const LISTENERS = ["USERS", "MUTUAL", "SIGNED", "UNSECURED", "OPEN"] as const;

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Every client of the tests may do everything, if it is known. */
export const BOB: Login = { username: "bob", password: "b-secret" };

/** In PEM, or the names of files with it. */
export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * A broker in this process for clients of all ways. ACLs are on, so it has to know who they are.
 */
export class SecuredBroker implements AsyncDisposable {
  readonly #at: Awaited<ReturnType<typeof startOnRealPorts>>;
  readonly issuer: OAuthIssuer;
  readonly directory: TestDirectory;
  /** Of the broker's authority, and of alice, for mutual TLS. */
  readonly pem: Credentials;
  readonly files: Credentials;
  /** By a listener without TLS: for what a test does beside its client. */
  readonly openBootstrap: string;
  readonly client: Client;
  readonly admin: Admin;

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
    this.openBootstrap = `localhost:${made.at.port(LISTENERS.indexOf("OPEN"))}`;
    this.client = new Client({ bootstrap: this.openBootstrap });
    this.admin = new Admin(this.client);
  }

  /** `more`: configs of the broker; undefined takes one away. */
  static async start(more: Record<string, string | undefined> = {}): Promise<SecuredBroker> {
    const authority = new TestAuthority();
    const alice = authority.issue("alice");
    const pem = { ca: authority.certificate, ...alice };
    const issuer = await OAuthIssuer.start();
    const all = Object.entries({ ...configsOf(authority, issuer), ...more });
    const given = all.filter((config): config is [string, string] => config[1] !== undefined);
    const at = await startOnRealPorts(Object.fromEntries(given));
    const directory = await TestDirectory.make();
    const files = {
      ca: await directory.write("ca.pem", pem.ca),
      certificate: await directory.write("alice.pem", pem.certificate),
      key: await directory.write("alice.key", pem.key),
    };
    const broker = new SecuredBroker({ at, issuer, directory, pem, files });
    await broker.createUser(BOB);
    return broker;
  }

  addressOf(way: Way) {
    const port = this.#at.port(WAYS.indexOf(way));
    return { port, bootstrap: `localhost:${port}` };
  }

  /** The user may do what is given, and nothing else. */
  async createUser({ username, password }: Login, needs: readonly Need[] = []): Promise<void> {
    const credential = { mechanism: "SCRAM-SHA-512", password } as const;
    await this.admin.upsertUserScramCredential(username, credential);
    const acls = needs.map((need) => aclOf(`User:${username}`, need));
    if (acls.length > 0) await this.admin.createAcls(acls);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
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
