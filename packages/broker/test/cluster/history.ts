// What clients did in a simulation and what they were answered, to be compared with the logs.
import { decodeBatch, ErrorCode, readBatchHeader } from "@tarpan/protocol";
import { expect } from "vitest";
import type { Log } from "../../src/log/log.ts";
import type { TopicImage } from "../../src/metadata/image.ts";
import { batchOf, readAll } from "../log/batches.ts";
import { createPartitions, createTopics, deleteTopics } from "../metadata/ask.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { certainlyNot, type SimulatedBroker } from "./simulated-broker.ts";

interface Topic {
  /** The error code of its creation, undefined while it is unknown. */
  created: number | undefined;
  /** The same of its deletion; null if no client asked for that. */
  deleted: number | undefined | null;
}

interface Produced {
  readonly batch: number;
  readonly offset: number;
}

export class ClusterHistory {
  readonly world: ClusterWorld;
  readonly topics = new Map<string, Topic>();
  /** By partition. */
  readonly acknowledged = new Map<string, Produced[]>();
  /** Which incarnation of which broker appended under an epoch of a partition. */
  readonly #writers = new Map<string, string>();
  readonly problems: string[] = [];
  sent = 0;

  constructor(world: ClusterWorld) {
    this.world = world;
  }

  async create(broker: SimulatedBroker, partitions: number, replicas: number): Promise<void> {
    const name = `topic-${this.topics.size}`;
    const topic: Topic = { created: undefined, deleted: null };
    this.topics.set(name, topic);
    const spec = { name, numPartitions: partitions, replicationFactor: replicas };
    const specs = [{ ...spec, assignments: [], configs: [] }];
    const [created] = await createTopics(broker.member.metadata, specs);
    topic.created = created!.errorCode;
    const isThere = broker.member.metadata.image.topics.has(name);
    if (topic.created === ErrorCode.NONE && !isThere && topic.deleted === null) {
      this.problems.push(`${name} was created, but the broker that was asked does not show it`);
    }
  }

  async delete(broker: SimulatedBroker, name: string): Promise<void> {
    const topic = this.topics.get(name)!;
    if (topic.deleted !== null) return;
    topic.deleted = undefined;
    const [deleted] = await deleteTopics(broker.member.metadata, [{ name, id: null }]);
    topic.deleted = deleted!.errorCode;
  }

  async grow(broker: SimulatedBroker, name: string): Promise<void> {
    const { metadata } = broker.member;
    const count = metadata.image.topics.get(name)!.partitions.length + 1;
    if (count > 4) return;
    const [grown] = await createPartitions(metadata, [{ name, count, assignments: null }]);
    if (grown!.errorCode !== ErrorCode.NONE) return;
    const topic = metadata.image.topics.get(name);
    if (topic !== undefined && topic.partitions.length < count) {
      this.problems.push(`${name} has ${count} partitions, but the broker asked shows fewer`);
    }
  }

  async produce(broker: SimulatedBroker, { name, id }: TopicImage, index: number): Promise<void> {
    const partition = broker.partition(name, index);
    if (partition === null || partition.id.topicId !== id) return;
    const batch = this.sent++;
    const bytes = batchOf(batch % 200, { timestamp: batch, count: 1 + (batch % 3) });
    const epoch = partition.leaderEpoch;
    const writer = `${broker.id} ${broker.member.metadata.incarnationId}`;
    const outcome = await partition.append(bytes, readBatchHeader(bytes));
    if (outcome.errorCode !== ErrorCode.NONE) return;
    const key = `${id}-${index}`;
    const all = this.acknowledged.get(key) ?? [];
    this.acknowledged.set(key, all);
    all.push({ batch, offset: outcome.baseOffset });
    const before = this.#writers.get(`${key} ${epoch}`) ?? writer;
    this.#writers.set(`${key} ${epoch}`, before);
    if (before !== writer) {
      this.problems.push(`${name}-${index}: ${before} and ${writer} wrote under epoch ${epoch}`);
    }
  }

  get acknowledgedCount(): number {
    let count = 0;
    for (const all of this.acknowledged.values()) count += all.length;
    return count;
  }

  /** To be called when the cluster is at rest. */
  async check(): Promise<void> {
    const { world } = this;
    expect(this.problems).toEqual([]);
    const { image } = world.serving[0]!.member.metadata;
    for (const [name, { created, deleted }] of this.topics) {
      const isThere = image.topics.has(name);
      if (created !== undefined && certainlyNot(created))
        expect([name, isThere]).toEqual([name, false]);
      if (deleted === ErrorCode.NONE) expect([name, isThere]).toEqual([name, false]);
      const mustStay = deleted === null || (deleted !== undefined && certainlyNot(deleted));
      if (created === ErrorCode.NONE && mustStay) expect([name, isThere]).toEqual([name, true]);
    }
    for (const topic of image.topics.values()) {
      if (!this.topics.has(topic.name)) continue;
      for (const index of topic.partitions.keys()) await this.#checkPartition(topic, index);
    }
  }

  async #checkPartition({ name, id }: TopicImage, index: number): Promise<void> {
    const { world } = this;
    await world.settled();
    const { image } = world.serving[0]!.member.metadata;
    const { leader, isr } = image.topics.get(name)!.partitions[index]!;
    const { log } = world.broker(leader).partition(name, index)!;
    const there = await world.run(contentOf(log));
    const batches = [...there.values()];
    expect(new Set(batches).size).toBe(batches.length);
    for (const { batch, offset } of this.acknowledged.get(`${id}-${index}`) ?? []) {
      expect([name, index, offset, there.get(offset)]).toEqual([name, index, offset, batch]);
    }
    const followerId = isr.find((each) => each !== leader && world.broker(each).serves);
    if (followerId === undefined) return;
    const { followers } = world.broker(followerId).member;
    const followed = await world.run(followers.find(name, index));
    if (typeof followed === "number")
      throw new Error(`${name}-${index} is not followed by ${followerId}: ${followed}`);
    const stop = followed.onAdvance(() => {});
    const isCaughtUp = () => followed.highWatermark >= log.endOffset;
    await world.until(`the follower of ${name}-${index} is caught up`, isCaughtUp);
    stop();
    expect(await world.run(contentOf(followed.log as Log))).toEqual(there);
  }
}

/** Batch ids, which their timestamps carry, by base offset. Fails if there is a gap. */
async function contentOf(log: Log): Promise<Map<number, number>> {
  const content = new Map<number, number>();
  let offset = log.startOffset;
  for (const bytes of await readAll(log)) {
    const { baseOffset, lastOffset, maxTimestamp } = decodeBatch(bytes).header;
    expect(baseOffset).toBe(offset);
    content.set(baseOffset, maxTimestamp);
    offset = lastOffset + 1;
  }
  return content;
}
