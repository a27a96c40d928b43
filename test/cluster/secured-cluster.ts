import { createPrivateKey } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
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
/** Longer than kafkajs needs: it logs in anew ten seconds before a session ends. */
const SESSION_MS = 25_000;
export const secret = (what: string) => `${MARK}-${what}`;
const loginModule = "org.apache.kafka.common.security.plain.PlainLoginModule";

/**
 * Brokers with everything on: TLS and a password between them; for clients TLS, passwords, sessions
 * that end, ACLs, and HTTP with the same; an audit log. Their other listener is for the test's own
 * eyes.
 */
export class SecuredCluster {
  /** Files of keys, passwords, configurations and logs. */
  readonly directory: string;
  readonly #ours = new TestAuthority();
  #between = new TestAuthority();
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

  /** The port for clients who are not trusted. */
  portOf(nodeId: number): number {
    return this.#ports[nodeId - 1]!;
  }

  get tls() {
    return { ca: this.#ours.certificate };
  }

  /** A user of the brokers' configuration logs in by PLAIN, others by SCRAM. */
  as(username: string, password = secret(username)): Security {
    const mechanism = username === "admin" ? "PLAIN" : "SCRAM-SHA-512";
    return { tls: this.tls, sasl: { mechanism, username, password } };
  }

  configOf(nodeId: number): string {
    return this.#at(`broker-${nodeId}.yaml`);
  }

  logOf(nodeId: number): string {
    return this.#at(`broker-${nodeId}.log`);
  }

  auditOf(nodeId: number): string {
    return this.#at(`broker-${nodeId}.audit`);
  }

  readonly options: ClusterOptions = {
    flags: (nodeId, port) => {
      this.renewListener(nodeId);
      this.trust(this.#between);
      this.renewBetween(nodeId);
      this.setPassword(nodeId, secret("between-brokers"));
      writeFileSync(this.configOf(nodeId), this.#config(nodeId, port));
      return ["--config", this.configOf(nodeId)];
    },
  };

  /** Gives a broker another certificate for its clients; returns it. */
  renewListener(nodeId: number): string {
    const { certificate, key } = this.#ours.issue("broker", { hosts: [HOST, "localhost"] });
    const cipher = { cipher: "aes-256-cbc", passphrase: secret("key") } as const;
    const locked = createPrivateKey(key).export({ type: "pkcs8", format: "pem", ...cipher });
    this.keyLines.push(key.split("\n")[1]!, String(locked).split("\n")[1]!);
    this.#write(`broker-${nodeId}.pem`, `${locked}${certificate}`);
    return certificate;
  }

  /** Who brokers believe that another one is a broker. */
  trust(...authorities: readonly TestAuthority[]): void {
    this.#write("ca.crt", authorities.map(({ certificate }) => certificate).join(""));
  }

  /** The authority of the certificates between brokers, and the one that comes after it. */
  changeAuthority(): { readonly old: TestAuthority; readonly next: TestAuthority } {
    const old = this.#between;
    this.#between = new TestAuthority();
    return { old, next: this.#between };
  }

  /** Gives a broker another certificate for the others; returns it. */
  renewBetween(nodeId: number): string {
    const { certificate, key } = this.certificateBetween(`broker-${nodeId}`);
    this.keyLines.push(key.split("\n")[1]!);
    this.#write(`${nodeId}.key`, key);
    this.#write(`${nodeId}.crt`, certificate);
    return certificate;
  }

  certificateBetween(name: string) {
    return this.#between.issue(name, { hosts: [HOST] });
  }

  /** Between the brokers. It counts from the next start. */
  setPassword(nodeId: number, password: string): void {
    this.#write(`${nodeId}.password`, password);
  }

  #config(nodeId: number, port: number): string {
    const kafka = {
      listeners: `INSIDE://${HOST}:${port},SECURED://${HOST}:${this.portOf(nodeId)}`,
      "listener.security.protocol.map": "INSIDE:PLAINTEXT,SECURED:SASL_SSL",
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": this.#at(`broker-${nodeId}.pem`),
      "ssl.key.password": secret("key"),
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
      "listener.name.secured.plain.sasl.jaas.config": `${loginModule} required user_admin="${secret("admin")}";`,
      "listener.name.secured.connections.max.reauth.ms": String(SESSION_MS),
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:admin;User:ANONYMOUS",
    };
    return JSON.stringify({
      cluster_tls_cert_file: this.#at(`${nodeId}.crt`),
      cluster_tls_key_file: this.#at(`${nodeId}.key`),
      cluster_tls_ca_file: this.#at("ca.crt"),
      cluster_password_file: this.#at(`${nodeId}.password`),
      logging: { level: "debug", file: this.logOf(nodeId) },
      audit_log: this.auditOf(nodeId),
      kafka,
    });
  }

  #at(name: string): string {
    return join(this.directory, name);
  }

  /** A broker that reads it meanwhile finds the old file or the new one. */
  #write(name: string, text: string): void {
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(this.#at(`${name}.next`), text);
    renameSync(this.#at(`${name}.next`), this.#at(name));
  }
}
