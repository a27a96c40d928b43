import type { Env, Timer } from "../../env/env.ts";
import { type Histogram, newFlushHistogram } from "../../metrics/histogram.ts";
import { Semaphore } from "../../util/semaphore.ts";
import { tailBytesOn } from "../limits.ts";
import type { Log, LogId, LogOptions } from "../log.ts";
import type { LogEngine } from "../log-engine.ts";
import { LogError } from "../log-error.ts";
import { TailBudget } from "../memory-tail.ts";
import type { ReplicaStates, ReplicatedLogOptions, Replication } from "../replication.ts";
import { Checkpoints, offlineOf } from "./checkpoints.ts";
import { JetStreamFollowerLog } from "./follower-log.ts";
import { JetStreamLeaderLog } from "./leader-log.ts";
import {
  CONCURRENT_CREATIONS,
  PLACEMENT_TIMEOUT_MS,
  RETRY_MAX_MS,
  STOP_GRACE_MS,
} from "./limits.ts";
import { checkStream, type LogOpener } from "./open-log.ts";
import { moveRaftLeader, moveReplicas, statesOf } from "./replicas.ts";
import { isRefusal, NoAnswer, StreamApi } from "./stream-api.ts";
import {
  logIdOf,
  logStreamConfig,
  type Placement,
  type StreamConfig,
  streamNameOf,
} from "./stream-config.ts";
import { listStreams } from "./stream-list.ts";
import { ErrorCode, type JetStreamTransport } from "./transport.ts";

export interface JetStreamEngineOptions {
  /** Its owner must close it, after the engine. */
  readonly transport: JetStreamTransport;
  readonly env: Pick<Env, "clock" | "timers" | "random" | "machine">;
  /** Memory for the newest batches of all logs; left out, a share of the machine's. */
  readonly readCacheBytes?: number | undefined;
  /**
   * How long after an acknowledgement a message is certainly on the disks of a majority, ms. 0, the
   * default, if the servers sync before they acknowledge.
   */
  readonly syncedAfterMs?: number;
  /** Takes one line for the operator. */
  readonly log?: (line: string) => void;
  /** Null when the brokers do not run the NATS servers, which then choose where replicas are. */
  readonly placement?: Placement | null;
  /** See LogEngine. */
  readonly problem?: () => string | null;
}

/** Logs as replicated JetStream streams, which every broker of a cluster can reach. */
export class JetStreamEngine implements LogEngine {
  readonly kind = "jetstream";
  /** Acknowledged batches are on a majority of servers, so a crash of this broker loses nothing. */
  readonly cleanlyClosed = true;
  readonly #problem: () => string | null;
  readonly replication: Replication;
  readonly #opener: LogOpener;
  readonly #placement: Placement | null;
  readonly #creations = new Semaphore(CONCURRENT_CREATIONS);
  readonly #led = new Map<string, JetStreamLeaderLog>();
  readonly #followed = new Map<string, JetStreamFollowerLog>();
  /** Streams whose logs are being opened for writing. */
  readonly #opening = new Set<string>();
  #lastWait: Timer | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: JetStreamEngineOptions) {
    const { transport, env, log, placement = null, problem, readCacheBytes } = options;
    const { syncedAfterMs = 0 } = options;
    this.#problem = problem ?? (() => null);
    const api = new StreamApi(transport, env);
    this.#placement = placement;
    this.#opener = {
      env,
      api,
      checkpoints: new Checkpoints(api, env, placement),
      tails: new TailBudget(tailBytesOn(env.machine, readCacheBytes)),
      flushes: newFlushHistogram(),
      known: new Map(),
      report: log ?? (() => {}),
      syncedAfterMs,
    };
    this.replication = {
      provision: (id, options) => this.#provision(id, options),
      lead: (id, options) => this.#lead(id, options),
      follow: (id, options) => this.#follow(id, options),
      moveReplicas: (id, replicas) =>
        this.#asking(() => moveReplicas(api, placement, id, replicas)),
      moveRaftLeader: (id, brokerId) =>
        this.#asking(() => moveRaftLeader(api, placement, id, brokerId)),
      states: () => this.#states(),
      stopWaiting: () => this.#stopWaiting(),
    };
  }

  get flushes(): Histogram {
    return this.#opener.flushes;
  }

  get problem(): string | null {
    return this.#problem();
  }

  async create(id: LogId, options: LogOptions): Promise<Log> {
    await this.#provision(id, options);
    return this.#lead(id, options);
  }

  open(id: LogId, options: LogOptions): Promise<Log> {
    return this.#lead(id, options);
  }

  async delete(id: LogId): Promise<void> {
    await this.#closeLogs(streamNameOf(id));
    await this.#asking(async () => {
      const { api, checkpoints, known } = this.#opener;
      const stream = streamNameOf(id);
      await api
        .patiently(() => api.ask(`STREAM.DELETE.${stream}`))
        .catch((error: unknown) => {
          if (!isRefusal(error, ErrorCode.streamNotFound)) throw error;
        });
      await checkpoints.forget(id);
      known.delete(stream);
    });
  }

  /** Marks the stream, because streams cannot be renamed; it is no longer listed or opened. */
  async setAside(id: LogId): Promise<void> {
    const { api, report } = this.#opener;
    const stream = streamNameOf(id);
    await this.#closeLogs(stream);
    await this.#asking(async () => {
      const { config } = await checkStream(this.#opener, id);
      const metadata = { ...config.metadata, "tarpan.aside": "true" };
      await api.patiently(() => api.ask(`STREAM.UPDATE.${stream}`, { ...config, metadata }));
    });
    report(`log ${id.topic}-${id.partition}: set aside as stream ${stream}`);
  }

  async list(): Promise<readonly LogId[]> {
    const infos = await this.#asking(() => listStreams(this.#opener, "all"));
    return infos.map(({ config }) => logIdOf(config)).filter((id) => id !== null);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const logs = [...this.#led.values(), ...this.#followed.values()];
    await Promise.all(logs.map((log) => log.close()));
    this.#lastWait?.cancel();
    this.#opener.api.close();
  }

  #stopWaiting(): void {
    const { api, env } = this.#opener;
    api.endPatience();
    this.#lastWait ??= env.timers.after(STOP_GRACE_MS, () => api.close());
  }

  async #provision(id: LogId, options: ReplicatedLogOptions): Promise<void> {
    const { env } = this.#opener;
    const creation = Buffer.from(env.random.bytes(8)).toString("hex");
    const config = logStreamConfig(id, options, this.#placement, creation);
    await this.#asking(() => this.#creations.run(() => this.#createStream(config)));
  }

  /** Retries for a while: a server that has just joined cannot take replicas at once. */
  async #createStream(config: StreamConfig): Promise<void> {
    const { api, env } = this.#opener;
    const deadlineMs = env.clock.monotonicMs() + PLACEMENT_TIMEOUT_MS;
    for (;;) {
      try {
        await api.patiently(() => api.ask(`STREAM.CREATE.${config.name}`, config));
        return;
      } catch (error) {
        if (isRefusal(error, ErrorCode.streamNameInUse)) {
          throw new LogError("exists", `stream ${config.name} exists`, { cause: error });
        }
        const noPlace = isRefusal(error, ErrorCode.clusterNoPeers);
        if (!noPlace || env.clock.monotonicMs() >= deadlineMs) throw error;
      }
      await api.wait(RETRY_MAX_MS);
    }
  }

  #lead(id: LogId, options: ReplicatedLogOptions): Promise<JetStreamLeaderLog> {
    return this.#asking(async () => {
      const stream = streamNameOf(id);
      const opened = this.#led.get(stream);
      if (this.#opening.has(stream) || (opened && !opened.isClosed && !opened.failure))
        throw new LogError("exists", `log ${id.topic}-${id.partition} is already open`);
      this.#opening.add(stream);
      try {
        await opened?.close();
        const log = await JetStreamLeaderLog.open(this.#opener, id, options);
        return await this.#keep(this.#led, stream, log);
      } finally {
        this.#opening.delete(stream);
      }
    });
  }

  #follow(id: LogId, options: LogOptions): Promise<JetStreamFollowerLog> {
    return this.#asking(async () => {
      const stream = streamNameOf(id);
      await this.#followed.get(stream)?.close();
      const log = await JetStreamFollowerLog.open(this.#opener, id, options);
      return this.#keep(this.#followed, stream, log);
    });
  }

  /** Registers an opened log; closes it instead if the engine was closed meanwhile. */
  async #keep<T extends { close(): Promise<void> }>(
    among: Map<string, T>,
    stream: string,
    log: T,
  ): Promise<T> {
    if (this.#closed) {
      await log.close();
      throw engineClosed();
    }
    among.set(stream, log);
    return log;
  }

  async #closeLogs(stream: string): Promise<void> {
    await this.#led.get(stream)?.close();
    await this.#followed.get(stream)?.close();
    this.#led.delete(stream);
    this.#followed.delete(stream);
  }

  async #states(): Promise<readonly ReplicaStates[]> {
    const placement = this.#placement;
    if (!placement) return [];
    this.#opener.checkpoints.tend();
    const infos = await this.#asking(() => listStreams(this.#opener, "who answers"));
    return infos.map((info) => statesOf(info, placement)).filter((states) => states !== null);
  }

  /** Refuses if the engine is closed. A refusal or a missing answer becomes a LogError. */
  async #asking<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw engineClosed();
    try {
      return await work();
    } catch (error) {
      if (error instanceof NoAnswer)
        throw new LogError("busy", `${error.message}: try again later`, { cause: error });
      throw offlineOf(error);
    }
  }
}

function engineClosed(): LogError {
  return new LogError("closed", "the engine is closed");
}
