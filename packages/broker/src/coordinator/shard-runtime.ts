import { ErrorCode, errorOf } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataDelta } from "../metadata/delta.ts";
import type { PartitionImage } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partition } from "../partition/partition.ts";
import { PendingChanges } from "../partition/pending-changes.ts";
import { ClockJumps } from "../util/clock-jumps.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { attemptWhen, Latch, openWithin, type PendingLatch } from "../util/latch.ts";
import { COORDINATOR_WAIT_MS, RELOAD_DELAY_MS, REOPEN_DELAY_MS } from "./limits.ts";
import { partitionOf } from "./partition-of.ts";
import { type TopicsChange, topicsChangeOf } from "./topics-change.ts";
import type { World } from "./turn.ts";

/** What a shard needs of its partition. */
export type ShardPartition = Pick<Partition, "log" | "leaderEpoch">;

export interface RuntimeParts<P extends ShardPartition = ShardPartition> {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly metadata: Pick<
    Metadata,
    "nodeId" | "image" | "leadership" | "unseen" | "brokerConfig" | "onChange"
  >;
  readonly partitions: {
    /** A partition that this broker leads, or the error code for the client. */
    find(topic: string, index: number): P | number;
    /** Ends when this broker has opened a partition that it leads; null when it opens none. */
    takeOver(topic: string, index: number): PendingLatch | null;
  };
  readonly logger: Logger;
}

/** A coordinator's share: one partition of its topic. */
export interface Shard {
  /** It has to be loaded anew. */
  readonly failed: boolean;
  /** Refuses every waiting request. Leaves the partition open: the shard does not own it. */
  close(errorCode: number, cause?: unknown): void;
}

/** One kind of coordinator, such as the coordinator of groups. */
export interface Tenant<S extends Shard, P extends ShardPartition = ShardPartition> {
  /** For messages: "the group coordinator". */
  readonly name: string;
  /** The internal topic that holds its records. */
  readonly topic: string;
  /** Creates the topic. Resolves to an error code, 0 for success. */
  readonly createTopic: () => Promise<number>;
  /** Replays a partition. Rejects with the log's error. */
  readonly load: (partition: P, world: World) => Promise<S>;
  readonly topicsChanged: (shard: S, change: TopicsChange) => void;
}

/** A shard under one leader epoch of its partition. */
interface OwnShard<S extends Shard> {
  readonly leaderEpoch: number;
  /** Null while it is being loaded, and after a load that failed. */
  shard: S | null;
  /**
   * Over when the shard is loaded, however many attempts and leader epochs that takes, or when this
   * broker no longer leads the partition.
   */
  readonly ready: Latch;
  /** Why the last attempt to load it failed, if its partition is open; null once it is loaded. */
  problem: string | null;
}

/** Why a shard can't take an operation. */
interface Unready {
  readonly errorCode: number;
  /** Set while the shard is being loaded. */
  readonly ready?: PendingLatch;
}

const NO_BROKER = -1;

/**
 * All coordinators of one kind on this broker: one shard for each partition of the tenant's topic
 * that the broker leads. Each key (a group id) belongs to the partition that it hashes to, as in
 * Kafka.
 */
export class ShardRuntime<S extends Shard, P extends ShardPartition = ShardPartition> {
  readonly #parts: RuntimeParts<P>;
  readonly #tenant: Tenant<S, P>;
  readonly #shards = new Map<number, OwnShard<S>>();
  readonly #jumps: ClockJumps;
  /** Clients that all begin at once share one creation. */
  #creating: Promise<number> | null = null;
  #closed = false;

  constructor(parts: RuntimeParts<P>, tenant: Tenant<S, P>) {
    this.#parts = parts;
    this.#tenant = tenant;
    this.#jumps = new ClockJumps(parts.env.clock);
    parts.metadata.onChange((delta) => this.#follow(delta));
  }

  /**
   * Begins to load the shards of the partitions that this broker leads; closes the shards of those
   * that it no longer leads, or leads in a new leader epoch. Requests for a shard that is being
   * loaded wait up to COORDINATOR_WAIT_MS.
   */
  load(): void {
    for (const [index, { leader, leaderEpoch }] of this.#topicPartitions().entries()) {
      const known = this.#shards.get(index);
      if (leader !== this.#parts.metadata.nodeId) {
        known?.shard?.close(ErrorCode.NOT_COORDINATOR);
        this.#shards.delete(index);
        known?.ready.open();
        continue;
      }
      // Only for a new leader epoch: two shards of one epoch would both write, and not see each
      // other's records.
      if (known?.leaderEpoch !== leaderEpoch) this.#beginLoad(index, leaderEpoch);
    }
  }

  /** The index of the partition that `key` belongs to; null before the topic exists. */
  partitionOf(key: string): number | null {
    const count = this.#topicPartitions().length;
    return count === 0 ? null : partitionOf(key, count);
  }

  /** The broker that coordinates `key`; -1 while its partition has no leader or does not exist. */
  coordinatorOf(key: string): number {
    const partitions = this.#topicPartitions();
    if (partitions.length === 0) return NO_BROKER;
    return partitions[partitionOf(key, partitions.length)]!.leader;
  }

  /**
   * Creates the topic when it is missing and waits until its shards are loaded, so that the first
   * request is not refused. Returns the error code of a failure, or 0.
   */
  async ensureTopic(): Promise<number> {
    if (this.#topicPartitions().length > 0) return ErrorCode.NONE;
    this.#creating ??= this.#createTopic().finally(() => {
      this.#creating = null;
    });
    return this.#creating;
  }

  async #createTopic(): Promise<number> {
    const errorCode = await this.#tenant.createTopic();
    await this.#waitForLoads();
    return errorCode === ErrorCode.TOPIC_ALREADY_EXISTS ? ErrorCode.NONE : errorCode;
  }

  /**
   * Calls `use` with the shard of a key, or of the partition with this index: in this turn of the
   * event loop when the shard is loaded, otherwise after its load and after the requests that wait
   * already, within COORDINATOR_WAIT_MS. Rejects with KafkaError.
   */
  protected on<T>(key: string | number, use: (shard: S) => Promise<T>): Promise<T> {
    const found = this.#shardOf(key);
    return isShard(found) ? use(found) : this.#onceLoaded(found, key, use);
  }

  /** For requests that gain nothing by waiting: rejects while the shard is being loaded. */
  protected onLoaded<T>(key: string, use: (shard: S) => Promise<T>): Promise<T> {
    const found = this.#shardOf(key);
    return isShard(found) ? use(found) : Promise.reject(this.#unavailable(found.errorCode));
  }

  /**
   * The leader epoch in which this broker coordinates `key`, as far as it knows; null when it does
   * not. It keeps its shards while it is isolated, and may go on with them after that.
   */
  leaderEpochOf(key: string): number | null {
    const index = this.partitionOf(key);
    return index === null ? null : (this.#shards.get(index)?.leaderEpoch ?? null);
  }

  /** Whether every shard of this broker is loaded. */
  get isLoaded(): boolean {
    return [...this.#shards.values()].every(({ shard }) => isReady(shard));
  }

  /** Why a shard of this broker can't be loaded, for the operator; null when there is none. */
  get problem(): string | null {
    for (const { problem } of this.#shards.values()) if (problem !== null) return problem;
    return null;
  }

  /** The shards that are loaded. */
  protected get loaded(): S[] {
    return [...this.#shards.values()].flatMap(({ shard }) => (isReady(shard) ? shard : []));
  }

  /** Calls `use` with every shard, for requests about all keys. Rejects if one isn't loaded. */
  protected async onAll<T>(use: (shard: S) => Promise<T>): Promise<T[]> {
    await this.#waitForLoads();
    const shards = [...this.#shards.values()].map(({ shard }) => shard);
    if (!shards.every(isReady)) throw this.#unavailable(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    return Promise.all(shards.map(use));
  }

  close(): void {
    this.#closed = true;
    const all = [...this.#shards.values()];
    this.#shards.clear();
    for (const { shard, ready } of all) {
      shard?.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      ready.open();
    }
  }

  async #onceLoaded<T>(
    found: Unready,
    key: string | number,
    use: (shard: S) => Promise<T>,
  ): Promise<T> {
    const pending = new PendingChanges(this.#parts);
    const awaitedBy = ({ ready }: Unready) => {
      return this.#closed ? null : (ready ?? pending.unseen());
    };
    const first = awaitedBy(found);
    if (first === null) throw this.#unavailable(found.errorCode);
    const { timers } = this.#parts.env;
    const { answer } = await attemptWhen(first, COORDINATOR_WAIT_MS, timers, (isLast) => {
      const now = this.#shardOf(key);
      // Used here, not after this promise resolves: the requests that waited keep their order.
      if (isShard(now)) return { answer: use(now) };
      const next = isLast ? null : awaitedBy(now);
      if (next === null) throw this.#unavailable(now.errorCode);
      return next;
    });
    return answer;
  }

  async #waitForLoads(): Promise<void> {
    const { timers } = this.#parts.env;
    const loading = [...this.#shards].flatMap(([index, own]) => this.#loadingOf(index, own) ?? []);
    await Promise.all(loading.map((ready) => openWithin(ready, COORDINATOR_WAIT_MS, timers)));
  }

  /** Of a key, or of the partition with this index. */
  #shardOf(key: string | number): S | Unready {
    const partitions = this.#topicPartitions();
    if (partitions.length === 0 || this.#closed) {
      return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    }
    const index = typeof key === "number" ? key : partitionOf(key, partitions.length);
    const own = this.#shards.get(index);
    const { leadership } = this.#parts.metadata;
    if (own === undefined || !leadership.leads(this.#tenant.topic, index)) {
      return { errorCode: ErrorCode.NOT_COORDINATOR };
    }
    const ready = this.#loadingOf(index, own);
    if (ready === null) return own.shard!;
    return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ready };
  }

  /** Null when the shard is loaded. Begins to load a shard that has failed. */
  #loadingOf(index: number, own: OwnShard<S>): PendingLatch | null {
    if (isReady(own.shard)) return null;
    return own.shard === null ? own.ready : this.#beginLoad(index, own.leaderEpoch).ready;
  }

  #topicPartitions(): readonly PartitionImage[] {
    const { image } = this.#parts.metadata;
    return image.topics.get(this.#tenant.topic)?.partitions ?? NONE;
  }

  #beginLoad(index: number, leaderEpoch: number): OwnShard<S> {
    const before = this.#shards.get(index);
    before?.shard?.close(ErrorCode.NOT_COORDINATOR);
    const ready = before?.ready.isOpen === false ? before.ready : new Latch();
    const problem = before?.problem ?? null;
    const own: OwnShard<S> = { leaderEpoch, shard: null, ready, problem };
    this.#shards.set(index, own);
    void this.#load(index, own);
    return own;
  }

  /**
   * Loads a shard anew although no request wants it: its deadlines must go on, such as that of a
   * transaction whose producer is gone.
   */
  #loadLater(index: number, own: OwnShard<S>, delayMs: number): void {
    this.#parts.env.timers.after(delayMs, () => {
      if (this.#closed || this.#shards.get(index) !== own || isReady(own.shard)) return;
      this.#beginLoad(index, own.leaderEpoch);
    });
  }

  /** Loads a shard. When that fails, tries again later: the partition may become available. */
  async #load(index: number, own: OwnShard<S>): Promise<void> {
    const { logger } = this.#parts;
    const isWanted = () => !this.#closed && this.#shards.get(index) === own;
    try {
      const shard = await this.#replay(index, own);
      if (!isWanted()) return shard.close(ErrorCode.NOT_COORDINATOR);
      own.shard = shard;
      own.problem = null;
      own.ready.open();
    } catch (error) {
      if (!isWanted()) return;
      const isNotOpen = error instanceof KafkaError;
      const delayMs = isNotOpen ? REOPEN_DELAY_MS : RELOAD_DELAY_MS;
      const { name, topic } = this.#tenant;
      const what = `${name} can't be loaded from ${topic}-${index}`;
      const problem = isNotOpen ? null : `${what}: ${(error as Error).message}`;
      const isNews = problem !== null && problem !== own.problem;
      own.problem = problem;
      logger[isNews ? "error" : "debug"](`${what}; trying again every ${delayMs} ms`, { error });
      this.#loadLater(index, own, delayMs);
    }
  }

  async #replay(index: number, own: OwnShard<S>): Promise<S> {
    const { env, metadata, partitions, logger } = this.#parts;
    const { name, topic, load } = this.#tenant;
    const opening = partitions.takeOver(topic, index);
    if (opening !== null) await new Promise<void>((resolve) => opening.onOpen(resolve));
    const partition = partitions.find(topic, index);
    if (typeof partition === "number") throw this.#unavailable(partition);
    // The leader epoch may have changed: only the partition of this epoch may be loaded.
    if (partition.leaderEpoch !== own.leaderEpoch) {
      throw this.#unavailable(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    return load(partition, {
      env,
      image: () => metadata.image,
      config: () => metadata.brokerConfig(),
      jumps: this.#jumps,
      reportBug: (error) => {
        const what = `${name} failed and loads ${topic}-${index} anew`;
        logger.error(`${what}: this is a bug in Tarpan`, { error });
      },
      onFailure: () => this.#loadLater(index, own, RELOAD_DELAY_MS),
    });
  }

  #follow(delta: MetadataDelta): void {
    const { topicsChanged, topic } = this.#tenant;
    if (delta.topics.some(({ name, now }) => name === topic && now !== null)) this.load();
    const change = topicsChangeOf(delta);
    if (change === null) return;
    for (const { shard } of this.#shards.values()) {
      if (shard !== null) topicsChanged(shard, change);
    }
  }

  #unavailable(errorCode: number): KafkaError {
    const { name } = this.#tenant;
    return new KafkaError(errorCode, `${name} is unavailable: ${errorOf(errorCode).message}`);
  }
}

const NONE: readonly never[] = [];

function isReady<S extends Shard>(shard: S | null): shard is S {
  return shard?.failed === false;
}

function isShard<S extends Shard>(found: S | Unready): found is S {
  return "failed" in found;
}
