import { join, resolve } from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import type {
  ClusterSettings,
  ExternalEngine,
  FlushPolicy,
  ManagedEngine,
} from "../config/settings.ts";
import { createDiscovery } from "../discovery/create-discovery.ts";
import type { Discovery } from "../discovery/discovery.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { reasonOf } from "../util/os-error.ts";
import { pause } from "../util/pause.ts";
import { EngineAdmin } from "./admin.ts";
import { type ConnectOptions, connectNats } from "./connect.ts";
import { EngineLogin } from "./engine-login.ts";
import { engineTls } from "./engine-tls.ts";
import { engineAddress } from "./engine-url.ts";
import { type EngineFacts, readEngineFacts, type SecurityFacts } from "./facts.ts";
import { findNatsServer } from "./find-server.ts";
import { watchHealth } from "./health.ts";
import { HEALTH_INTERVAL_MS, PROGRESS_INTERVAL_MS, READY_POLL_MS } from "./limits.ts";
import { logRaftChanges } from "./log-raft-changes.ts";
import { ManagedNatsServer } from "./managed-server.ts";
import { Refusals } from "./refusals.ts";
import { mergePeers, rememberedPeers, rememberPeers } from "./remembered-peers.ts";
import { requestJson } from "./request-json.ts";
import { hostAndPort } from "./server-config.ts";
import { ServerSecurity } from "./server-security.ts";
import { knowsSyncInterval, versionIn, versionProblem } from "./version.ts";

export interface EngineOptions {
  /** The caller holds its lock; a managed server keeps its files in `nats/` below it. */
  readonly dataDirectory: string;
  readonly nodeId: number;
  readonly flush: FlushPolicy;
  readonly env: Env;
  readonly logger: Logger;
  /** Ends a start that still waits, which it does without a limit. */
  readonly signal?: AbortSignal;
  /** Called every few seconds with what the start waits for. */
  readonly onWaiting?: ((what: string) => void) | undefined;
  /** Called with each problem while the engine runs, and with null when it is over. */
  readonly onTrouble?: (problem: string | null) => void;
}

/** The broker's connections to NATS, once JetStream answers. */
export interface Engine {
  /** Reconnects by itself after it was lost. */
  readonly nc: NatsConnection;
  /** Null for an external engine, whose system account is not the broker's. */
  readonly admin: EngineAdmin | null;
  /** The nats-server that this broker runs, null for an external engine. */
  readonly server: ManagedNatsServer | null;
  /** Null for an external engine, which needs none. */
  readonly discovery: Discovery | null;
  /** What is wrong now, in one line; null if nothing is. */
  readonly problem: string | null;
  facts(): Promise<EngineFacts>;
  /** Closes the connections, and ends a managed server in order. */
  stop(): Promise<void>;
}

/**
 * Starts a managed nats-server, or connects to external ones, and waits without a limit until
 * JetStream answers, for which a majority of the servers must run. Logs what it waits for. Rejects
 * with EngineError, or with the signal's reason; then nothing is left running.
 */
export async function startEngine(
  cluster: ClusterSettings,
  options: EngineOptions,
): Promise<Engine> {
  const endKeepAlive = options.env.programs.keepAlive();
  const start = new EngineStart(cluster, options);
  try {
    return await start.run();
  } catch (error) {
    await start.stop();
    throw error;
  } finally {
    endKeepAlive();
  }
}

class EngineStart {
  readonly #cluster: ClusterSettings;
  readonly #options: EngineOptions;
  readonly #stopping = new AbortController();
  #discovery: Discovery | null = null;
  #server: ManagedNatsServer | null = null;
  #security: ServerSecurity | null = null;
  #refusals: Refusals | null = null;
  #login: EngineLogin | null = null;
  readonly #connections: NatsConnection[] = [];
  #problem: string | null = null;

  constructor(cluster: ClusterSettings, options: EngineOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  async run(): Promise<Engine> {
    const { engine } = this.#cluster;
    const { nc, admin } =
      engine.kind === "managed" ? await this.#managed(engine) : await this.#external(engine);
    this.#checkVersion(nc);
    await this.#untilReady(nc);
    this.#options.logger.info("raft: NATS is ready: a majority of its servers run", {
      version: nc.info?.version,
    });
    void this.#watch(nc);
    const problem = () => this.#problemNow();
    const security = () => this.#securityFacts();
    return {
      nc,
      admin,
      server: this.#server,
      discovery: this.#discovery,
      get problem() {
        return problem();
      },
      facts: async () => {
        const facts = await readEngineFacts(nc, admin);
        const refusals = security()?.refusals ?? [];
        return { ...facts, problems: [...facts.problems, ...refusals], security: security() };
      },
      stop: () => this.stop(),
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#refusals?.close();
    await Promise.all(this.#connections.map((nc) => nc.close().catch(() => {})));
    await Promise.all([this.#discovery?.close(), this.#server?.stop()]);
  }

  async #managed(engine: ManagedEngine): Promise<{ nc: NatsConnection; admin: EngineAdmin }> {
    const { env, logger, nodeId, flush, dataDirectory } = this.#options;
    const security = await ServerSecurity.open(engine, { env, logger });
    this.#security = security;
    const allowOld = this.#cluster.allowOldEngine;
    const program = await findNatsServer(env, { path: engine.serverPath, allowOld });
    if (program.problem !== null) logger.warn(program.problem);
    if (!knowsSyncInterval(program.version) && flush.mode !== "never")
      logger.warn(
        `nats-server ${program.version} syncs every two minutes, whatever flush says: ` +
          "if several machines lose power at once, records of that time are lost",
      );
    const directory = resolve(dataDirectory, "nats");
    await env.fs.makeDirectory(directory);
    const peers = await this.#join(hostAndPort(engine.raftHost, engine.raftPort), directory);
    const { raftHost, raftPort } = engine;
    this.#options.signal?.throwIfAborted();
    this.#refusals = await Refusals.open({ directory, env, logger, peers });
    const server = await ManagedNatsServer.start({
      ...{ env, logger, program, nodeId, directory, raftHost, raftPort, flush, peers, security },
    });
    this.#server = server;
    void this.#watchSecurity();
    const connect = ({ user, password }: { user: string; password: string }) =>
      this.#connect({
        servers: () => [server.clientUrl],
        authenticator: (nats) => nats.usernamePasswordAuthenticator(user, password),
        tls: security.clientTls,
      });
    const nc = await Promise.race([connect(server.users.broker), server.failed]);
    server.confirm();
    const admin = new EngineAdmin(await connect(server.users.system), logRaftChanges(logger));
    return { nc, admin };
  }

  async #external(engine: ExternalEngine): Promise<{ nc: NatsConnection; admin: null }> {
    const address = engineAddress(engine.urls.reveal());
    const { servers } = address;
    const login = await EngineLogin.open(address, engine.credentialsFile, this.#options.env.fs);
    this.#login = login;
    const nc = await this.#connect({
      servers: () => servers,
      authenticator: (nats) => login.authenticator(nats),
      tls: engineTls(engine.tls, servers),
    });
    return { nc, admin: null };
  }

  async #connect(
    address: Pick<ConnectOptions, "servers" | "authenticator" | "tls">,
  ): Promise<NatsConnection> {
    const { env, logger, nodeId, signal, onWaiting } = this.#options;
    const nc = await connectNats({
      ...address,
      env,
      name: `tarpan-broker-${nodeId}`,
      managed: this.#cluster.engine.kind === "managed",
      signal:
        signal === undefined
          ? this.#stopping.signal
          : AbortSignal.any([signal, this.#stopping.signal]),
      onWaiting: (reason) => {
        logger.info(`waiting for NATS: ${reason}`);
        onWaiting?.(`waiting for NATS: ${reason}`);
      },
    });
    this.#connections.push(nc);
    return nc;
  }

  /**
   * Announces this broker and waits for the others' addresses. If discovery fails and addresses of
   * the last start are remembered, it goes on with these. Returns a function that gives the
   * addresses known at the time of its call.
   */
  async #join(raftAddress: string, directory: string): Promise<() => readonly string[]> {
    const { env, logger, nodeId, signal } = this.#options;
    const { discovery: settings } = this.#cluster;
    const discovery = createDiscovery(settings, env, logger);
    this.#discovery = discovery;
    // With static discovery the configuration lists all brokers.
    const remembered = settings.type === "static" ? [] : await rememberedPeers(env.fs, directory);
    let joined = false;
    discovery.join({ nodeId, raftAddress }).then(
      () => {
        joined = true;
      },
      () => {},
    );
    const others = remembered.some((peer) => peer !== raftAddress);
    const progress = this.#progress();
    while (!joined) {
      if (discovery.problem !== null && others) {
        logger.warn("discovery failed: starting with the brokers of the last start", {
          peers: remembered,
        });
        break;
      }
      progress(() => `waiting for discovery: ${discovery.problem ?? "no answer yet"}`);
      await pause(env.timers, READY_POLL_MS / 4, signal);
    }
    const peers = () => mergePeers([raftAddress, ...discovery.peers], remembered);
    if (settings.type !== "static") await rememberPeers(env.fs, directory, peers());
    return peers;
  }

  #checkVersion(nc: NatsConnection): void {
    const version = versionIn(nc.info?.version ?? "") ?? "0.0.0";
    const problem = versionProblem(version, this.#cluster.allowOldEngine);
    if (problem !== null && this.#server === null) this.#options.logger.warn(problem);
  }

  /** JetStream answers once its meta group has a leader. */
  async #untilReady(nc: NatsConnection): Promise<void> {
    const { env, signal } = this.#options;
    const progress = this.#progress();
    for (;;) {
      try {
        await requestJson(nc, "$JS.API.INFO", {}, READY_POLL_MS * 5);
        return;
      } catch (error) {
        const peers = this.#discovery?.peers ?? [];
        progress(() =>
          this.#server !== null && peers.length < 2
            ? "waiting for a second broker: a cluster needs two to start"
            : this.#withRefusals(
                `waiting for a majority of the brokers: ${(error as Error).message}`,
              ),
        );
      }
      await pause(env.timers, READY_POLL_MS, signal);
    }
  }

  /** A broker that nobody lets in has no other way to know why it is alone. */
  #withRefusals(problem: string): string {
    return [problem, ...(this.#refusals?.lasting ?? [])].join("; ");
  }

  #problemNow(): string | null {
    if (this.#problem !== null) return this.#withRefusals(this.#problem);
    return this.#security?.problem ?? null;
  }

  #securityFacts(): SecurityFacts | null {
    const [security, refusals] = [this.#security, this.#refusals];
    if (security === null || refusals === null) return null;
    const { certificateExpiresMs, authorityExpiresMs, reloadFailures, tls, password } = security;
    return {
      ...{ certificateExpiresMs, authorityExpiresMs, reloadFailures },
      ...{ tls: tls !== null, password: password !== null },
      refusedByThis: refusals.counts.us,
      refusedByOthers: refusals.counts.them,
      refusals: refusals.lasting,
    };
  }

  /** Until the broker stops. */
  async #watchSecurity(): Promise<void> {
    const { env, logger } = this.#options;
    const { signal } = this.#stopping;
    const wait = () => pause(env.timers, HEALTH_INTERVAL_MS / 2, signal);
    for (;;) {
      try {
        await wait();
        await this.#refusals?.look();
        if (await this.#security?.refresh()) this.#server?.reload();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn("raft: the log of nats-server can't be read", { error: reasonOf(error) });
      }
    }
  }

  /** Returns a function that logs a line after the first second, and then every few seconds. */
  #progress(): (line: () => string) => void {
    const { env, logger, onWaiting } = this.#options;
    const startedMs = env.clock.monotonicMs();
    let dueMs = startedMs + PROGRESS_INTERVAL_MS / 5;
    return (line) => {
      const nowMs = env.clock.monotonicMs();
      if (nowMs < dueMs) return;
      dueMs = nowMs + PROGRESS_INTERVAL_MS;
      const what = line();
      logger.info(what, { waitedMs: Math.round(nowMs - startedMs) });
      onWaiting?.(what);
    };
  }

  async #watch(nc: NatsConnection): Promise<void> {
    const { env, logger, onTrouble, dataDirectory } = this.#options;
    const directory = join(dataDirectory, "nats");
    let known = "";
    await watchHealth({
      nc,
      env,
      signal: this.#stopping.signal,
      onProblem: (problem) => {
        this.#problem = problem;
        if (problem === null) logger.info("raft: NATS answers again");
        else logger.warn(`raft: ${problem}`);
        onTrouble?.(problem);
      },
      onLook: async () => {
        await this.#login?.refresh();
        if (this.#cluster.discovery.type !== "etcd" || this.#discovery === null) return;
        const { peers } = this.#discovery;
        if (peers.join() === known) return;
        const merged = mergePeers(peers, await rememberedPeers(env.fs, directory));
        await rememberPeers(env.fs, directory, merged);
        known = peers.join();
      },
    });
  }
}
