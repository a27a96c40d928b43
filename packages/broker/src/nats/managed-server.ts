import { join } from "node:path";
import type { FlushPolicy } from "../config/settings.ts";
import type { Env, RunningProgram, Timer } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { reasonOf } from "../util/os-error.ts";
import { EngineError } from "./engine-error.ts";
import { tailOf, writeText } from "./files.ts";
import type { NatsServerProgram } from "./find-server.ts";
import { freeClientPort } from "./free-port.ts";
import { guardArguments } from "./guard.ts";
import { RESTART_DELAY_MS, STABLE_AFTER_MS, STOP_GRACE_MS } from "./limits.ts";
import { endOrphan } from "./orphan.ts";
import {
  CLIENT_HOST,
  CONFIG_FILE,
  hostAndPort,
  LOG_FILE,
  serverConfigText,
  type Users,
} from "./server-config.ts";
import type { ServerSecurity } from "./server-security.ts";

export interface ManagedServerOptions {
  readonly env: Env;
  readonly logger: Logger;
  readonly program: NatsServerProgram;
  readonly nodeId: number;
  /** An absolute path. The caller holds the lock of the data directory. */
  readonly directory: string;
  readonly raftHost: string;
  readonly raftPort: number;
  readonly flush: FlushPolicy;
  /** Raft addresses of all brokers. Called at each start of the server. */
  readonly peers: () => readonly string[];
  readonly security: Pick<ServerSecurity, "tls" | "password">;
}

/** One run of the server, from a start to its end. */
interface Run {
  readonly guard: RunningProgram;
  /** nats-server's process id; null until the guard has written it. */
  serverId: number | null;
  readonly startedMs: number;
  readonly ended: Promise<void>;
}

/**
 * A nats-server that belongs to this broker. Invariants:
 * 1. It listens for clients on the same port after every restart, so that connections can be
 *    re-established.
 * 2. It does not outlive the broker (see guard.ts).
 * 3. Once it was confirmed, it is started again whenever it ends, after a delay that doubles.
 */
export class ManagedNatsServer {
  readonly users: Users;
  /** Rejects with EngineError when the server ends before `confirm` was called. */
  readonly failed: Promise<never>;
  readonly #options: ManagedServerOptions;
  #fail!: (error: EngineError) => void;
  #clientPort = 0;
  #confirmed = false;
  #stopping = false;
  #run: Run | null = null;
  #restart: Timer | null = null;
  #delayMs: number = RESTART_DELAY_MS.first;
  /** Set by `restart`: the end that follows is not an error. */
  #isToldToRestart = false;
  #restarts = 0;

  private constructor(options: ManagedServerOptions) {
    this.#options = options;
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {});
    const password = () => Buffer.from(options.env.random.bytes(24)).toString("base64url");
    this.users = {
      broker: { user: "broker", password: password() },
      system: { user: "system", password: password() },
    };
  }

  /**
   * Starts the server, and does not wait until it answers. Rejects with EngineError if the server
   * can't be started, or can't listen on its raft address.
   */
  static async start(options: ManagedServerOptions): Promise<ManagedNatsServer> {
    const { env, logger, directory, raftHost, raftPort } = options;
    await env.fs.makeDirectory(directory);
    const orphan = await endOrphan(directory, env);
    if (orphan !== null)
      logger.warn("killed the nats-server that an earlier broker left running", { orphan });
    const problem = await env.network.listenProblem(raftHost, raftPort);
    if (problem !== null) throw unusable(hostAndPort(raftHost, raftPort), problem);
    const server = new ManagedNatsServer(options);
    server.#clientPort = await freeClientPort(env, CLIENT_HOST);
    await server.#start();
    return server;
  }

  get clientUrl(): string {
    return `nats://${CLIENT_HOST}:${this.#clientPort}`;
  }

  /** nats-server's; null while it does not run. */
  get processId(): number | null {
    return this.#run?.serverId ?? null;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** The server has answered: from now on it is started again whenever it ends. */
  confirm(): void {
    this.#confirmed = true;
  }

  /** Has it read its files of certificates again; its connections go on. */
  reload(): void {
    const serverId = this.#run?.serverId ?? null;
    if (serverId !== null) this.#options.env.programs.signal(serverId, "SIGHUP");
  }

  /** Stops a server that runs in order. It is then started again, as after any other end. */
  restart(): void {
    const serverId = this.#run?.serverId ?? null;
    if (serverId === null) return;
    this.#isToldToRestart = true;
    this.#options.logger.info("raft: restarting nats-server");
    this.#options.env.programs.signal(serverId, "SIGTERM");
  }

  /** Stops it in order: its Raft leaders step down first. Kills it if that takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    const run = this.#run;
    if (run === null) return;
    const { env, logger } = this.#options;
    if (run.serverId === null || !env.programs.signal(run.serverId, "SIGTERM"))
      run.guard.endInput();
    const late = env.timers.after(STOP_GRACE_MS, () => {
      logger.warn("raft: nats-server did not stop in time: killing it", { graceMs: STOP_GRACE_MS });
      run.guard.endInput();
    });
    await run.ended;
    late.cancel();
  }

  async #start(): Promise<void> {
    const { env, directory, program, peers } = this.#options;
    const configPath = join(directory, CONFIG_FILE);
    const { nodeId, raftHost, raftPort, flush, security } = this.#options;
    const text = serverConfigText({
      ...{ nodeId, raftHost, raftPort, flush, directory },
      version: program.version,
      clientPort: this.#clientPort,
      peers: peers(),
      users: this.users,
      tls: security.tls,
      password: security.password,
    });
    await writeText(env.fs, configPath, text, { secret: true });
    let end!: () => void;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let serverId: number | null = null;
    const guard = await env.programs.start(
      "/bin/sh",
      guardArguments(program.path, ["-c", configPath]),
      {
        onLine: (line) => {
          serverId = Number(line);
          if (this.#run !== null) this.#run.serverId = serverId;
        },
        onEnd: ({ code, errors }) => {
          const run = this.#run!;
          this.#run = null;
          end();
          if (!this.#stopping) void this.#ended(run, code, errors);
        },
      },
    );
    this.#run = { guard, serverId, startedMs: env.clock.monotonicMs(), ended };
    if (this.#stopping) guard.endInput();
  }

  async #ended(run: Run, code: number | null, errors: string): Promise<void> {
    const { env, logger, directory } = this.#options;
    const reason = await this.#endReason(errors, run.serverId);
    if (!this.#confirmed) {
      // Another process took the port after it was checked: try another one.
      if (reason.includes(`:${this.#clientPort}`) && reason.includes("address already in use")) {
        this.#clientPort = await freeClientPort(env, CLIENT_HOST);
        return this.#tryStart();
      }
      const log = join(directory, LOG_FILE);
      return this.#fail(
        new EngineError(
          "TARPAN_NATS_SERVER_FAILED",
          `nats-server ended with exit code ${code} at its start: ${reason}; see ${log}`,
        ),
      );
    }
    const ranMs = env.clock.monotonicMs() - run.startedMs;
    if (ranMs > STABLE_AFTER_MS) this.#delayMs = RESTART_DELAY_MS.first;
    this.#restarts += 1;
    const level = this.#isToldToRestart ? "info" : "error";
    this.#isToldToRestart = false;
    logger[level]("raft: nats-server has ended: starting it again", {
      ...{ code, reason, ranMs: Math.round(ranMs), delayMs: this.#delayMs },
    });
    this.#startLater();
  }

  #startLater(): void {
    if (this.#stopping) return;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, RESTART_DELAY_MS.longest);
    this.#restart = this.#options.env.timers.after(delayMs, () => void this.#tryStart());
  }

  async #tryStart(): Promise<void> {
    if (this.#stopping) return;
    try {
      await this.#start();
    } catch (error) {
      this.#options.logger.error("raft: nats-server can't be started", { error: reasonOf(error) });
      if (this.#confirmed) this.#startLater();
      else this.#fail(new EngineError("TARPAN_NATS_SERVER_FAILED", String(error), error));
    }
  }

  /** Why the server ended, as it wrote to its standard error or its log. */
  async #endReason(errors: string, serverId: number | null): Promise<string> {
    // An error in the configuration, or a panic: the first line says what it is.
    const firstError = errors.trim().split("\n")[0]!;
    // It may repeat the address of a route, with the password between brokers.
    if (firstError !== "") return firstError.replace(/\/\/[^@\s]+@/g, "//***@");
    const { env, directory } = this.#options;
    const log = await tailOf(env.fs, join(directory, LOG_FILE), LOG_TAIL_BYTES).catch(() => "");
    const lines = log.split("\n").filter((line) => line.startsWith(`[${serverId}] `));
    const fatal = lines.findLast((line) => line.includes("[FTL] "));
    return fatal?.replace(/^.*\[FTL\] /, "") ?? "it was killed, or wrote no reason";
  }
}

const LOG_TAIL_BYTES = 4000;

function unusable(address: string, problem: string): EngineError {
  const why =
    problem === "EADDRINUSE"
      ? "is in use by another process: stop that process, or choose another address"
      : `can't be listened on (${reasonOf({ code: problem })}): give an address of this machine`;
  return new EngineError("TARPAN_RAFT_ADDRESS_UNUSABLE", `raft address ${address} ${why}`);
}
