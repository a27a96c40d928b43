import { createPrivateKey } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestAuthority } from "../../packages/broker/test/tls/certificates.ts";
import type { ClusterOptions } from "../harness/cluster.ts";
import { freePorts } from "../harness/free-ports.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import type { Security } from "./load/load.ts";

/** Every secret contains this text, so that a test finds it wherever it is shown. */
export const MARK = "s3cr3t";

const HOST = "127.0.0.1";
const BROKERS = 3;
const secret = (what: string) => `${MARK}-${what}`;
const loginModule = "org.apache.kafka.common.security.plain.PlainLoginModule";

/**
 * Brokers with everything on: TLS and a password between them; for clients TLS, passwords and ACLs.
 * Their other listener is for the test's own eyes.
 */
export class SecuredCluster {
  /** Files of keys, passwords, configurations and logs. */
  readonly directory: string;
  readonly #ours = new TestAuthority();
  readonly #between = new TestAuthority();
  readonly #ports: readonly number[];
  /** A line of each key of a broker. */
  readonly keyLines: string[] = [];

  private constructor(directory: string, ports: readonly number[]) {
    this.directory = directory;
    this.#ports = ports;
  }

  static async make(): Promise<SecuredCluster> {
    return new SecuredCluster(await temporaryDirectory(), await freePorts(BROKERS));
  }

  get bootstrap(): string[] {
    return this.#ports.map((port) => `${HOST}:${port}`);
  }

  as(username: string, password = secret(username)): Security {
    const tls = { ca: this.#ours.certificate };
    return { tls, sasl: { mechanism: "PLAIN", username, password } };
  }

  configOf(nodeId: number): string {
    return join(this.directory, `broker-${nodeId}.yaml`);
  }

  logOf(nodeId: number): string {
    return join(this.directory, `broker-${nodeId}.log`);
  }

  readonly options: ClusterOptions = {
    flags: (nodeId, port) => {
      writeFileSync(this.configOf(nodeId), this.#config(nodeId, port));
      return ["--config", this.configOf(nodeId)];
    },
  };

  #config(nodeId: number, port: number): string {
    const secured = this.#ports[nodeId - 1];
    const own = this.#between.issue(`broker-${nodeId}`, { hosts: [HOST] });
    const { certificate, key } = this.#ours.issue("broker", { hosts: [HOST] });
    const cipher = { cipher: "aes-256-cbc", passphrase: secret("key") } as const;
    const locked = createPrivateKey(key).export({ type: "pkcs8", format: "pem", ...cipher });
    this.keyLines.push(own.key.split("\n")[1]!, key.split("\n")[1]!);
    this.keyLines.push(String(locked).split("\n")[1]!);
    const users = ["admin", "load"].map((user) => `user_${user}="${secret(user)}"`).join(" ");
    const kafka = {
      listeners: `INSIDE://${HOST}:${port},SECURED://${HOST}:${secured}`,
      "listener.security.protocol.map": "INSIDE:PLAINTEXT,SECURED:SASL_SSL",
      "ssl.keystore.type": "PEM",
      "ssl.keystore.certificate.chain": certificate,
      "ssl.keystore.key": locked,
      "ssl.key.password": secret("key"),
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
      "listener.name.secured.plain.sasl.jaas.config": `${loginModule} required ${users};`,
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:admin;User:ANONYMOUS",
    };
    return JSON.stringify({
      cluster_tls_cert_file: this.#file(`${nodeId}.crt`, own.certificate),
      cluster_tls_key_file: this.#file(`${nodeId}.key`, own.key),
      cluster_tls_ca_file: this.#file("ca.crt", this.#between.certificate),
      cluster_password_file: this.#file("password", secret("between-brokers")),
      logging: { level: "debug", file: this.logOf(nodeId) },
      kafka,
    });
  }

  #file(name: string, text: string): string {
    const directory = join(this.directory, "between");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  }
}
