import { ErrorCode } from "@tarpan/protocol";
import type { Env, Timer } from "../env/env.ts";
import type { LogId, LogOptions } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import type { TopicImage } from "../metadata/image.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Followers, ReadablePartition } from "../partition/readable-partition.ts";
import { nextTurnOf } from "../util/next-turn.ts";
import type { ClusterEngine } from "./cluster-engine.ts";
import { FollowerPartition } from "./follower-partition.ts";
import { FOLLOWER_IDLE_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly engine: ClusterEngine;
  readonly metadata: Metadata;
  readonly membership: Membership;
  /** Whether this broker lets consumers fetch from partitions that it follows. */
  readonly enabled: boolean;
}

/**
 * Lets consumers fetch from this broker's replicas of partitions that others lead (KIP-392).
 *
 * Staleness is bounded: a partition is served only while its replica is in the ISR, which the
 * controller updates every few seconds, and while this broker is not isolated.
 */
export class FollowerPartitions implements Followers {
  readonly #parts: Parts;
  readonly #open = new Map<string, Promise<FollowerPartition | null>>();
  #sweep: Timer | undefined;
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Begins to close partitions that no consumer fetches from any more. */
  start(): void {
    this.#scheduleSweep();
  }

  nearest(topic: string, index: number, rack: string): number | null {
    const { metadata, membership } = this.#parts;
    const { brokers, topics } = metadata.image;
    const partition = topics.get(topic)?.partitions[index];
    if (rack === "" || partition === undefined) return null;
    const isNear = (id: number) => brokers.get(id)?.rack === rack;
    // As in Kafka's RackAwareReplicaSelector, a leader in the same rack is preferred.
    if (isNear(metadata.nodeId)) return null;
    const near = partition.isr.find((id) => {
      return isNear(id) && brokers.get(id)?.fenced === false && membership.servesFollowed(id);
    });
    return near ?? null;
  }

  async find(topic: string, index: number): Promise<ReadablePartition | ErrorCode> {
    const { metadata, enabled } = this.#parts;
    const image = metadata.image.topics.get(topic);
    const partition = image?.partitions[index];
    if (image === undefined || partition === undefined) {
      return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    }
    const { leadership } = metadata;
    // What it follows may end before what it leads, until it has taken over. A consumer would take
    // that for a loss of data, and reset its offset.
    const isOwn = partition.leader === metadata.nodeId;
    if (!enabled || isOwn || !leadership.isInSync(topic, index) || this.#closed)
      return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const followed = await this.#opened(image, index);
    if (followed === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    // A fetch beyond what is known here reads nothing, and must not stay there.
    followed.log.used();
    if (!(await followed.catchUp())) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    followed.usedAtMs = this.#parts.env.clock.monotonicMs();
    followed.leaderEpoch = partition.leaderEpoch;
    return followed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.cancel();
    for (const opening of this.#open.values()) await (await opening)?.log.close();
  }

  #opened({ name, id }: TopicImage, index: number): Promise<FollowerPartition | null> {
    const key = `${id}-${index}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const opening = this.#follow({ topic: name, topicId: id, partition: index });
    this.#open.set(key, opening);
    void opening.then((followed) => {
      if (followed === null) this.#open.delete(key);
    });
    return opening;
  }

  async #follow(id: LogId): Promise<FollowerPartition | null> {
    const { engine, metadata } = this.#parts;
    try {
      const options: LogOptions = metadata.topicConfig(id.topic);
      const log = await engine.logs.replication!.follow(id, options);
      const { clock, timers } = this.#parts.env;
      return new FollowerPartition(log, clock.monotonicMs(), nextTurnOf(timers));
    } catch (error) {
      if (error instanceof LogError) return null;
      throw error;
    }
  }

  #scheduleSweep(): void {
    this.#sweep = this.#parts.env.timers.after(FOLLOWER_IDLE_MS, async () => {
      const since = this.#parts.env.clock.monotonicMs() - FOLLOWER_IDLE_MS;
      for (const [key, opening] of this.#open) {
        const followed = await opening;
        if (followed !== null && followed.usedAtMs > since) continue;
        this.#open.delete(key);
        await followed?.log.close();
      }
      if (!this.#closed) this.#scheduleSweep();
    });
  }
}
