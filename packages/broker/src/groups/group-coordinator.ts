import { ErrorCode } from "@tarpan/protocol";
import { CoordinatorError } from "../coordinator/coordinator-error.ts";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { MetadataDelta } from "../metadata/delta.ts";
import type { PartitionImage } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import type { Partitions } from "../partition/partitions.ts";
import { Patience } from "../partition/patience.ts";
import { attemptWhen, type Coming, Occasion, overWithin } from "../util/coming.ts";
import { GroupLog } from "./group-log.ts";
import { COORDINATOR_WAIT_MS, RELOAD_DELAY_MS, REOPEN_DELAY_MS } from "./limits.ts";
import { topicsChanged } from "./model/consumer/index.ts";
import { topicsDeleted } from "./offsets.ts";
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
  /** Over when it is loaded, however many tries and leader epochs that takes, or is not ours. */
  readonly ready: Occasion;
}

/** Why no shard can be had. */
interface Unready {
  readonly errorCode: number;
  /** Set where it is being loaded. */
  readonly ready?: Coming;
}

/** No broker's id. */
const NOBODY = -1;

/**
 * All group coordinators of this broker: one shard for each partition of `__consumer_offsets` it
 * leads. A group belongs to the partition its id hashes to, as in Kafka.
 */
export class GroupCoordinator {
  readonly #parts: Parts;
  readonly #log: GroupLog;
  readonly #shards = new Map<number, OwnShard>();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#log = new GroupLog(parts.logger);
    parts.metadata.onChange((delta) => this.#follow(delta));
  }

  /**
   * Begins to load the shards of the partitions that this broker leads, and lets go of those it
   * leads no more or under a new leader epoch. Requests for one that isn't ready wait a moment.
   */
  load(): void {
    for (const [index, { leader, leaderEpoch }] of this.#offsetsPartitions().entries()) {
      const known = this.#shards.get(index);
      if (leader !== this.#parts.metadata.nodeId) {
        known?.shard?.close(ErrorCode.NOT_COORDINATOR);
        this.#shards.delete(index);
        known?.ready.end();
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
    await this.#loadedInAMoment();
    return errorCode === ErrorCode.TOPIC_ALREADY_EXISTS ? ErrorCode.NONE : errorCode;
  }

  /**
   * Runs one operation of a group's coordinator, in this turn where that is loaded. Otherwise it
   * waits a moment, behind those that came before. Rejects with CoordinatorError.
   */
  async run<T>(groupId: string, operation: Operation<T>): Promise<T> {
    const found = this.#shardOf(groupId);
    if (found instanceof GroupShard) return found.run(operation);
    const patience = new Patience(this.#parts);
    const comingFor = ({ ready }: Unready) => {
      return this.#closed ? null : (ready ?? patience.unseen());
    };
    const coming = comingFor(found);
    if (coming === null) throw unavailable(found.errorCode);
    const { timers } = this.#parts.env;
    const { answer } = await attemptWhen(coming, COORDINATOR_WAIT_MS, timers, (isLast) => {
      const now = this.#shardOf(groupId);
      // Begun here, and not after this promise: in its place among the others.
      if (now instanceof GroupShard) return { answer: now.run(operation) };
      const next = isLast ? null : comingFor(now);
      if (next === null) throw unavailable(now.errorCode);
      return next;
    });
    return answer;
  }

  /** The same where nobody is helped by waiting. */
  async runIfLoaded<T>(groupId: string, operation: Operation<T>): Promise<T> {
    const found = this.#shardOf(groupId);
    if (found instanceof GroupShard) return found.run(operation);
    throw unavailable(found.errorCode);
  }

  /** Whether all shards are there at once. */
  get isLoaded(): boolean {
    return [...this.#shards.values()].every(({ shard }) => isReady(shard));
  }

  /** Runs an operation on every shard, for requests that concern all groups. */
  async runOnAll<T>(operation: Operation<T>): Promise<T[]> {
    await this.#loadedInAMoment();
    const shards = [...this.#shards.values()].map(({ shard }) => shard);
    if (!shards.every(isReady)) throw unavailable(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    return Promise.all(shards.map((shard) => shard.run(operation)));
  }

  async #loadedInAMoment(): Promise<void> {
    const { timers } = this.#parts.env;
    const loading = [...this.#shards].flatMap(([index, own]) => this.#loadingOf(index, own) ?? []);
    await Promise.all(loading.map((ready) => overWithin(ready, COORDINATOR_WAIT_MS, timers)));
  }

  close(): void {
    this.#closed = true;
    const all = [...this.#shards.values()];
    this.#shards.clear();
    for (const { shard, ready } of all) {
      shard?.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      ready.end();
    }
  }

  #shardOf(groupId: string): GroupShard | Unready {
    const partitions = this.#offsetsPartitions();
    if (partitions.length === 0 || this.#closed) {
      return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
    }
    const index = partitionOf(groupId, partitions.length);
    const own = this.#shards.get(index);
    const { leadership } = this.#parts.metadata;
    if (own === undefined || !leadership.leads(CONSUMER_OFFSETS_TOPIC, index))
      return { errorCode: ErrorCode.NOT_COORDINATOR };
    const ready = this.#loadingOf(index, own);
    if (ready === null) return own.shard!;
    return { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ready };
  }

  /** Null where it is loaded. One that has failed is loaded anew when somebody needs it. */
  #loadingOf(index: number, own: OwnShard): Coming | null {
    if (isReady(own.shard)) return null;
    return own.shard === null ? own.ready : this.#beginLoad(index, own.leaderEpoch).ready;
  }

  #offsetsPartitions(): readonly PartitionImage[] {
    const { image } = this.#parts.metadata;
    return image.topics.get(CONSUMER_OFFSETS_TOPIC)?.partitions ?? [];
  }

  #beginLoad(index: number, leaderEpoch: number): OwnShard {
    const before = this.#shards.get(index);
    before?.shard?.close(ErrorCode.NOT_COORDINATOR);
    const ready = before?.ready.isOver === false ? before.ready : new Occasion();
    const own: OwnShard = { leaderEpoch, shard: null, ready };
    this.#shards.set(index, own);
    void this.#load(index, own);
    return own;
  }

  /** Loads a shard, and tries again later when it can't be: a partition may come back. */
  async #load(index: number, own: OwnShard): Promise<void> {
    const { env, metadata, partitions, logger } = this.#parts;
    const world = {
      env,
      image: () => metadata.image,
      config: () => metadata.brokerConfig(),
      log: this.#log,
    };
    const isWanted = () => !this.#closed && this.#shards.get(index) === own;
    try {
      const opening = partitions.takeOver(CONSUMER_OFFSETS_TOPIC, index);
      if (opening !== null) await new Promise<void>((resolve) => opening.onOver(resolve));
      const partition = partitions.find(CONSUMER_OFFSETS_TOPIC, index);
      if (typeof partition === "number") throw unavailable(partition);
      // Leadership moves on while a log is read: it is this term's log, or the next try's.
      if (partition.leaderEpoch !== own.leaderEpoch) {
        throw unavailable(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      }
      const shard = await GroupShard.load(partition, world);
      if (!isWanted()) return shard.close(ErrorCode.NOT_COORDINATOR);
      own.shard = shard;
      own.ready.end();
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

  #follow({ topics }: MetadataDelta): void {
    if (topics.length === 0) return;
    const deleted = topics.filter(({ now }) => now === null).map(({ name }) => name);
    const changed = topics.filter(({ now }) => now !== null).map(({ name }) => name);
    if (changed.includes(CONSUMER_OFFSETS_TOPIC)) this.load();
    if (deleted.length > 0) this.#stepAll(topicsDeleted(deleted));
    this.#stepAll(topicsChanged([...deleted, ...changed]));
  }

  #stepAll(step: Step): void {
    for (const { shard } of this.#shards.values()) void shard?.step(step);
  }
}

function isReady(shard: GroupShard | null): shard is GroupShard {
  return shard?.failed === false;
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
