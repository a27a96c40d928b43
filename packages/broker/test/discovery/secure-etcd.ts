import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { etcd } from "../../../../test/harness/cluster-etcd.ts";
import { freePorts } from "../../../../test/harness/free-ports.ts";
import { ServerProcess } from "../../../../test/harness/server-process.ts";
import { temporaryDirectory } from "../../../../test/harness/temp.ts";
import type { ClusterTls } from "../../src/config/settings.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { TestAuthority } from "../tls/certificates.ts";

const ROOT = { name: "root", password: "s3cr3t-root" };

/** An etcd that asks for certificates and has a user `tarpan`, who may do what a broker does. */
export class SecureEtcd {
  readonly endpoint: string;
  readonly tls: ClusterTls;

  private constructor(endpoint: string, tls: ClusterTls) {
    this.endpoint = endpoint;
    this.tls = tls;
  }

  static async start(password: string): Promise<SecureEtcd> {
    const authority = new TestAuthority();
    const directory = await temporaryDirectory();
    const file = async (name: string, text: string) => {
      await writeFile(join(directory, name), text);
      return join(directory, name);
    };
    const ca = await file("ca.crt", authority.certificate);
    const pair = async (name: string, commonName: string) => {
      const { certificate, key } = authority.issue(commonName, { hosts: ["127.0.0.1"] });
      return [await file(`${name}.crt`, certificate), await file(`${name}.key`, key)] as const;
    };
    // While it has users, etcd's JSON gateway refuses certificates with a common name.
    const [certFile, keyFile] = await pair("broker", "");
    const [serverCert, serverKey] = await pair("etcd", "etcd");
    const [port, peerPort] = (await freePorts(2)) as [number, number];
    const endpoint = `https://127.0.0.1:${port}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    const server = new ServerProcess(
      etcd.path,
      [
        ...["--data-dir", join(directory, "data"), "--log-level", "error"],
        ...["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--initial-cluster", `default=${peer}`],
        ...["--cert-file", serverCert, "--key-file", serverKey],
        ...["--trusted-ca-file", ca, "--client-cert-auth"],
      ],
      port,
    );
    await server.start();
    const secure = new SecureEtcd(endpoint, { certFile, keyFile, caFile: ca });
    await secure.#addUsers(password);
    return secure;
  }

  /** As root does it. */
  async changePassword(password: string): Promise<void> {
    const token = await this.#ask<{ token: string }>("auth/authenticate", ROOT);
    await this.#ask("auth/user/changepw", { name: "tarpan", password }, token.token);
  }

  async #addUsers(password: string): Promise<void> {
    const encoded = (key: string) => Buffer.from(key).toString("base64");
    const range = { key: encoded("/tarpan/"), range_end: encoded("/tarpan0") };
    await this.#ask("auth/user/add", ROOT);
    await this.#ask("auth/role/add", { name: "root" });
    await this.#ask("auth/user/grant", { user: "root", role: "root" });
    await this.#ask("auth/role/add", { name: "tarpan" });
    await this.#ask("auth/role/grant", { name: "tarpan", perm: { permType: 2, ...range } });
    await this.#ask("auth/user/add", { name: "tarpan", password });
    await this.#ask("auth/user/grant", { user: "tarpan", role: "tarpan" });
    await this.#ask("auth/enable", {});
  }

  async #ask<T>(method: string, body: unknown, token?: string): Promise<T> {
    const [ca, cert, key] = await Promise.all(
      [this.tls.caFile, this.tls.certFile, this.tls.keyFile].map((path) => readFile(path, "utf8")),
    );
    const answer = await nodeEnv.network.post(`${this.endpoint}/v3/${method}`, body, {
      ...{ timeoutMs: 5000, maxBytes: 1_000_000 },
      ...(token !== undefined && { headers: { authorization: token } }),
      tls: { ca: ca!, cert: cert!, key: key! },
    });
    if (answer.status !== 200) throw new Error(`${method}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }
}
