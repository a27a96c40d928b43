import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import type { Partitions } from "../partition/partitions.ts";
import { topicsChanged } from "./consumer/index.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { RELOAD_DELAY_MS } from "./limits.ts";
import { topicsDeleted } from "./offsets/index.ts";
import type { Operation, Step } from "./operation.ts";
import { GroupShard } from "./shard.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  readonly logger: Logger;
}

/**
 * All group coordinators of this broker: one shard for each partition of `__consumer_offsets` it
 * leads. A group belongs to the partition its id hashes to, as in Kafka.
 */
export class GroupCoordinator {
  readonly #parts: Parts;
  /** Null while the shard is loaded, and when it can't be. */
  readonly #shards = new Map<number, GroupShard | null>();
  readonly #loading = new Set<Promise<void>>();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.metadata.onChange((previous, next) => this.#follow(previous, next));
  }

  /** Begins to load every shard; requests for one that isn't ready are answered 14 meanwhile. */
  load(): void {
    const count = this.#partitionCount();
    for (let index = 0; index < count; index++) {
      // Never beside a shard that is there: both would write, each unaware of the other.
      if (!this.#shards.has(index)) this.#beginLoad(index);
    }
  }

  /**
   * Makes `__consumer_offsets` when it is missing and waits until its shards are loaded, so that
   * the first member of the first group isn't sent away. Returns the error code of a failure, or 0.
   */
  async ensureTopic(): Promise<number> {
    if (this.#partitionCount() > 0) return ErrorCode.NONE;
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
    const loading = [...this.#shards.values()].some((shard) => shard === null || shard.failed);
    if (loading) throw unavailable(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    return Promise.all([...this.#shards.values()].map((shard) => shard!.run(operation)));
  }

  close(): void {
    this.#closed = true;
    for (const shard of this.#shards.values()) shard?.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    this.#shards.clear();
  }

  #shardOf(groupId: string): GroupShard {
    const count = this.#partitionCount();
    if (count === 0 || this.#closed) throw unavailable(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const index = partitionOf(groupId, count);
    const shard = this.#shards.get(index);
    if (shard && !shard.failed) return shard;
    if (shard !== null) this.#beginLoad(index);
    throw unavailable(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  }

  #partitionCount(): number {
    const { image } = this.#parts.metadata;
    return image.topics.get(CONSUMER_OFFSETS_TOPIC)?.partitions.length ?? 0;
  }

  #beginLoad(index: number): void {
    this.#shards.get(index)?.close(ErrorCode.NOT_COORDINATOR);
    this.#shards.set(index, null);
    const loading = this.#load(index).finally(() => this.#loading.delete(loading));
    this.#loading.add(loading);
  }

  /** Loads a shard, and tries again later when it can't be: a partition may come back. */
  async #load(index: number): Promise<void> {
    const { env, metadata, partitions, logger } = this.#parts;
    const world = {
      env,
      image: () => metadata.image,
      config: () => metadata.brokerConfig(),
    };
    try {
      const partition = partitions.find(CONSUMER_OFFSETS_TOPIC, index);
      if (typeof partition === "number") throw unavailable(partition);
      const shard = await GroupShard.load(partition, world);
      if (this.#closed) shard.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      else this.#shards.set(index, shard);
    } catch (error) {
      logger.warn(`the groups of ${CONSUMER_OFFSETS_TOPIC}-${index} can't be loaded yet`, {
        error,
      });
      env.timers.after(RELOAD_DELAY_MS, () => {
        if (!this.#closed) this.#beginLoad(index);
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
    for (const shard of this.#shards.values()) void shard?.step(step);
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
