import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataImage, PartitionImage } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import type { Partitions } from "../partition/partitions.ts";
import { topicsChanged } from "./consumer/index.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { RELOAD_DELAY_MS, REOPEN_DELAY_MS } from "./limits.ts";
import { topicsDeleted } from "./offsets/index.ts";
import type { Operation, Step } from "./operation.ts";
import { GroupShard } from "./shard.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  readonly logger: Logger;
}

/** A shard under one leader epoch of its partition. */
interface OwnShard {
  readonly leaderEpoch: number;
  /** Null while it is loaded, and when it can't be. */
  shard: GroupShard | null;
}

/** No broker's id. */
const NOBODY = -1;

/**
 * All group coordinators of this broker: one shard for each partition of `__consumer_offsets` it
 * leads. A group belongs to the partition its id hashes to, as in Kafka.
 */
export class GroupCoordinator {
  readonly #parts: Parts;
  readonly #shards = new Map<number, OwnShard>();
  readonly #loading = new Set<Promise<void>>();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.metadata.onChange((previous, next) => this.#follow(previous, next));
  }

  /**
   * Begins to load the shards of the partitions that this broker leads, and lets go of those it
   * leads no more or under a new leader epoch. Requests for one that isn't ready are answered 14.
   */
  load(): void {
    for (const [index, { leader, leaderEpoch }] of this.#offsetsPartitions().entries()) {
      const known = this.#shards.get(index);
      if (leader !== this.#parts.metadata.nodeId) {
        known?.shard?.close(ErrorCode.NOT_COORDINATOR);
        this.#shards.delete(index);
        continue;
      }
      // Never beside a shard that is there: both would write, each unaware of the other.
      if (known?.leaderEpoch !== leaderEpoch) this.#beginLoad(index, leaderEpoch);
    }
  }

  /** Which broker coordinates a group; -1 while its partition has no leader, or is not there. */
  coordinatorOf(groupId: string): number {
    const partitions = this.#offsetsPartitions();
    if (partitions.length === 0) return NOBODY;
    return partitions[partitionOf(groupId, partitions.length)]!.leader;
  }

  /**
   * Makes `__consumer_offsets` when it is missing and waits until its shards are loaded, so that
   * the first member of the first group isn't sent away. Returns the error code of a failure, or 0.
   */
  async ensureTopic(): Promise<number> {
    if (this.#offsetsPartitions().length > 0) return ErrorCode.NONE;
    const errorCode = await this.#parts.metadata.createOffsetsTopic();
    await Promise.all(this.#loading);
    return errorCode === ErrorCode.TOPIC_ALREADY_EXISTS ? ErrorCode.NONE : errorCode;
  }

  /** Runs one operation of a group's coordinator. Rejects with CoordinatorError. */
  async run<T>(groupId: string, operation: Operation<T>): Promise<T> {
    return this.#shardOf(groupId).run(operation);
  }

  /** Runs an operation on every shard, for requests that concern all groups. */
  async runOnAll<T>(operation: Operation<T>): Promise<T[]> {
    const shards = [...this.#shards.values()].map(({ shard }) => shard);
    const loading = shards.some((shard) => shard === null || shard.failed);
    if (loading) throw unavailable(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    return Promise.all(shards.map((shard) => shard!.run(operation)));
  }

  close(): void {
    this.#closed = true;
    for (const { shard } of this.#shards.values()) {
      shard?.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
    this.#shards.clear();
  }

  #shardOf(groupId: string): GroupShard {
    const partitions = this.#offsetsPartitions();
    if (partitions.length === 0 || this.#closed) {
      throw unavailable(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
    const index = partitionOf(groupId, partitions.length);
    const own = this.#shards.get(index);
    if (own === undefined || this.#parts.metadata.isolated)
      throw unavailable(ErrorCode.NOT_COORDINATOR);
    if (own.shard !== null && !own.shard.failed) return own.shard;
    if (own.shard !== null) this.#beginLoad(index, own.leaderEpoch);
    throw unavailable(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  }

  #offsetsPartitions(): readonly PartitionImage[] {
    const { image } = this.#parts.metadata;
    return image.topics.get(CONSUMER_OFFSETS_TOPIC)?.partitions ?? [];
  }

  #beginLoad(index: number, leaderEpoch: number): void {
    this.#shards.get(index)?.shard?.close(ErrorCode.NOT_COORDINATOR);
    const own: OwnShard = { leaderEpoch, shard: null };
    this.#shards.set(index, own);
    const loading = this.#load(index, own).finally(() => this.#loading.delete(loading));
    this.#loading.add(loading);
  }

  /** Loads a shard, and tries again later when it can't be: a partition may come back. */
  async #load(index: number, own: OwnShard): Promise<void> {
    const { env, metadata, partitions, logger } = this.#parts;
    const world = {
      env,
      image: () => metadata.image,
      config: () => metadata.brokerConfig(),
    };
    const isWanted = () => !this.#closed && this.#shards.get(index) === own;
    try {
      const partition = partitions.find(CONSUMER_OFFSETS_TOPIC, index);
      if (typeof partition === "number") throw unavailable(partition);
      // Leadership moves on while a log is read: it is this term's log, or the next try's.
      if (partition.leaderEpoch !== own.leaderEpoch) {
        throw unavailable(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      }
      const shard = await GroupShard.load(partition, world);
      if (isWanted()) own.shard = shard;
      else shard.close(ErrorCode.NOT_COORDINATOR);
    } catch (error) {
      if (!isWanted()) return;
      const sentAway = error instanceof CoordinatorError;
      logger[sentAway ? "debug" : "warn"](
        `the groups of ${CONSUMER_OFFSETS_TOPIC}-${index} can't be loaded yet`,
        { error },
      );
      env.timers.after(sentAway ? REOPEN_DELAY_MS : RELOAD_DELAY_MS, () => {
        if (isWanted()) this.#beginLoad(index, own.leaderEpoch);
      });
    }
  }

  #follow(previous: MetadataImage, next: MetadataImage): void {
    if (previous.topics === next.topics) return;
    const deleted: string[] = [];
    const changed: string[] = [];
    for (const { name, id } of previous.topics.values()) {
      if (next.topics.get(name)?.id !== id) deleted.push(name);
    }
    for (const topic of next.topics.values()) {
      if (previous.topics.get(topic.name) !== topic) changed.push(topic.name);
    }
    if (changed.includes(CONSUMER_OFFSETS_TOPIC)) this.load();
    if (deleted.length > 0) this.#stepAll(topicsDeleted(deleted));
    this.#stepAll(topicsChanged([...deleted, ...changed]));
  }

  #stepAll(step: Step): void {
    for (const { shard } of this.#shards.values()) void shard?.step(step);
  }
}

function unavailable(errorCode: number): CoordinatorError {
  return new CoordinatorError(errorCode, "the group coordinator can't answer now");
}

/** `Utils.abs(groupId.hashCode()) % count` of Kafka, so that its tools agree with us. */
export function partitionOf(groupId: string, count: number): number {
  let hash = 0;
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(i)) | 0;
  return (hash & 0x7fffffff) % count;
}
