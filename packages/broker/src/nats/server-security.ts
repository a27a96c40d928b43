import type { TlsOptions } from "@nats-io/transport-node";
import { isLoopbackHost } from "../config/addresses.ts";
import type { ClusterTls, ManagedEngine } from "../config/settings.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { Secret } from "../util/secret.ts";
import { earliestMs, NewlyExpired } from "../util/validity.ts";
import { type CheckedCertificates, checkCertificates } from "./check-certificates.ts";
import { EngineError } from "./engine-error.ts";
import { readSecretFile } from "./secret-file.ts";

type Tls = typeof import("node:tls");
type Parts = { readonly env: Pick<Env, "fs" | "clock">; readonly logger: Logger };

/** What protects a broker's nats-server: certificates that may be renewed, and a password. */
export class ServerSecurity {
  readonly tls: ClusterTls | null;
  readonly password: Secret | null;
  readonly #raftHost: string;
  readonly #parts: Parts;
  #certificates: CheckedCertificates | null;
  #problem: string | null = null;
  #failures = 0;
  readonly #expired = new NewlyExpired();

  private constructor(
    { tls, raftHost }: ManagedEngine,
    secrets: { certificates: CheckedCertificates | null; password: Secret | null },
    parts: Parts,
  ) {
    this.tls = tls ?? null;
    this.password = secrets.password;
    this.#raftHost = raftHost;
    this.#certificates = secrets.certificates;
    this.#parts = parts;
    this.#warn();
  }

  /** Rejects with EngineError for files that can't be used. */
  static async open(engine: ManagedEngine, parts: Parts): Promise<ServerSecurity> {
    const { tls, passwordFile, raftHost } = engine;
    const { fs } = parts.env;
    const certificates = tls === undefined ? null : await checkCertificates(tls, raftHost, fs);
    const password = passwordFile === undefined ? null : await readSecretFile(passwordFile, fs);
    return new ServerSecurity(engine, { certificates, password }, parts);
  }

  /** Why the files of the certificate can't be used any more; null while they can. */
  get problem(): string | null {
    return this.#problem;
  }

  /** How often new files were found that can't be used. */
  get reloadFailures(): number {
    return this.#failures;
  }

  /** When the certificate expires, ms since the epoch; null without one. */
  get certificateExpiresMs(): number | null {
    return earliestMs(this.#certificates?.chain ?? []);
  }

  /** When the first of the authorities expires; null without one. */
  get authorityExpiresMs(): number | null {
    return earliestMs(this.#certificates?.authorities ?? []);
  }

  /** How the broker itself connects to its nats-server; null without TLS. */
  get clientTls(): TlsOptions | null {
    if (this.tls === null) return null;
    const options = {
      ...this.tls,
      // The connection is to the loopback address, and the certificate is for the raft address.
      checkServerIdentity: (...[, certificate]: Parameters<Tls["checkServerIdentity"]>) =>
        process.getBuiltinModule("node:tls").checkServerIdentity(this.#raftHost, certificate),
    };
    return options;
  }

  /** Reads the files again; resolves to whether nats-server has to do so, too. */
  async refresh(): Promise<boolean> {
    if (this.tls === null) return false;
    const { env, logger } = this.#parts;
    try {
      const found = await checkCertificates(this.tls, this.#raftHost, env.fs);
      if (this.#problem !== null) logger.info("raft: the files of the certificate are good");
      this.#problem = null;
      const isNew = found.fingerprint !== this.#certificates?.fingerprint;
      this.#certificates = found;
      if (isNew) logger.info("raft: new certificates are in use");
      return isNew;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const problem = `keeps its certificates: ${error.message}`;
      this.#failures++;
      if (problem !== this.#problem) logger.error(`raft: ${problem}`);
      this.#problem = problem;
      return false;
    } finally {
      this.#warnOfExpiry();
    }
  }

  #warn(): void {
    this.#warnOfExpiry();
    if (this.tls !== null || isLoopbackHost(this.#raftHost)) return;
    this.#parts.logger.warn(
      this.password === null
        ? "raft_addr is open: whoever can connect to it can read and write everything; set " +
            "cluster_tls_cert_file, cluster_tls_key_file and cluster_tls_ca_file"
        : "raft_addr is not encrypted: whoever can read the network can read the password and " +
            "all records; set cluster_tls_cert_file, cluster_tls_key_file and cluster_tls_ca_file",
    );
  }

  #warnOfExpiry(): void {
    if (this.tls === null || this.#certificates === null) return;
    const { env, logger } = this.#parts;
    const { certFile, caFile } = this.tls;
    const { chain, authorities } = this.#certificates;
    const nowMs = env.clock.wallMs();
    for (const one of this.#expired.among(chain, nowMs)) {
      logger.warn(
        `raft: ${certFile} has expired (${one}), and the other brokers refuse it: renew it`,
      );
    }
    for (const one of this.#expired.among(authorities, nowMs)) {
      const so = "brokers with a certificate of it are refused: remove it, or put in its successor";
      logger.warn(`raft: an authority in ${caFile} has expired (${one}); ${so}`);
    }
  }
}
