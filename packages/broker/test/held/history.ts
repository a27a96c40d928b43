import { crc32c } from "@tarpan/codecs";
import {
  decodeBatches,
  ErrorCode,
  encodeBatch,
  type RecordInput,
  readBatchHeader,
} from "@tarpan/protocol";
import { ConfigResolver } from "../../src/config/kafka/resolve.ts";
import type { World } from "../../src/coordinator/turn.ts";
import { delayedRules } from "../../src/delayed/rules.ts";
import { HeldCounts } from "../../src/held/counts.ts";
import type { HeldPartition } from "../../src/held/held-log.ts";
import { HeldShard } from "../../src/held/held-shard.ts";
import type { HeldRules, MessageName } from "../../src/held/rules.ts";
import type { DeliveryAttempt, DeliveryOutcome } from "../../src/held/sender.ts";
import type { Log, LogOptions } from "../../src/log/log.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { EMPTY_IMAGE, type MetadataImage, type TopicImage } from "../../src/metadata/image.ts";
import { Partition } from "../../src/partition/partition.ts";
import { ClockJumps } from "../../src/util/clock-jumps.ts";
import { KafkaError } from "../../src/util/kafka-error.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";

const OPTIONS: LogOptions = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };
const TARGETS = 2;
export const TARGET = { topic: "target", topicId: "6ba7b810-9dad-41d1-80b4-00c04fd430c8" };
const HELD = { topic: "__delayed", topicId: "6ba7b810-9dad-41d1-80b4-00c04fd430c9" };

const text = new TextEncoder();

/** Of a message of a kind without producer groups. */
export function nameOf(id: string): MessageName {
  return { id: text.encode(id), group: null };
}

/** What an attempt to deliver meets. */
export type Fault = "none" | "not asked" | "answer lost" | "answer slow";

export interface Delivered {
  readonly value: string;
  readonly timestamp: number;
  readonly partition: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One shard of held messages and its target, with real partitions in memory and a clock that the
 * test moves. A crash closes the shard, while what it sent goes on, and loads another.
 */
export class HeldHistory {
  readonly time = new ManualTime();
  readonly random: SeededRandom;
  fault: () => Fault = () => "none";
  /** Whether the target refuses these messages for good. */
  refuses: (values: readonly string[]) => boolean = () => false;
  deliveries = 0;
  readonly warnings: string[] = [];
  slowAppends: () => boolean = () => false;
  hasProducerIds = true;
  image: MetadataImage = EMPTY_IMAGE;
  readonly failures: unknown[] = [];
  readonly counts = new HeldCounts();
  shard!: HeldShard;
  held!: Partition;
  readonly targets: Partition[] = [];
  /** Partitions of other topics that deliveries go to, by the topic's id. */
  readonly #others = new Map<string, readonly Partition[]>();
  readonly #rules: HeldRules;
  #targetId = "";
  #nextProducerId = 100;
  #leaderEpoch = 0;
  readonly #engine = new MemoryEngine(testEnv());

  private constructor(seed: number, rules: HeldRules) {
    this.random = new SeededRandom(seed);
    this.#rules = rules;
    const letters = `${TARGET.topic}.dlq`;
    this.#know([topicImage(letters, "6ba7b810-9dad-41d1-80b4-00c04fd430d0", 1)], []);
  }

  static async begin(seed: number, rules: HeldRules = delayedRules): Promise<HeldHistory> {
    const history = new HeldHistory(seed, rules);
    await history.#begin();
    return history;
  }

  async #begin(): Promise<void> {
    this.held = await this.#partition({ ...HELD, partition: 0 });
    await this.createTarget(TARGET.topicId);
    await this.load();
  }

  async createTarget(topicId: string): Promise<void> {
    const { topic } = TARGET;
    for (let partition = 0; partition < TARGETS; partition++) {
      this.targets.push(await this.#partition({ topic, topicId, partition }));
    }
    this.#targetId = topicId;
    this.#know([topicImage(topic, topicId, TARGETS)], []);
  }

  /** Another topic that messages are delivered to. */
  async createOther(topic: string, count: number): Promise<readonly Partition[]> {
    const topicId = `6ba7b810-9dad-41d1-80b4-00c04fd4310${this.#others.size}`;
    const partitions: Partition[] = [];
    for (let partition = 0; partition < count; partition++) {
      partitions.push(await this.#partition({ topic, topicId, partition }));
    }
    this.#others.set(topicId, partitions);
    this.#know([topicImage(topic, topicId, count)], []);
    return partitions;
  }

  /** With the records in it. */
  async deleteTarget(): Promise<void> {
    for (const { id } of this.targets.splice(0)) await this.#engine.delete(id);
    this.#know([], [this.image.topics.get(TARGET.topic)!]);
    this.#targetId = "";
  }

  /** Whether the partitions of the target have a leader. */
  setOnline(isOnline: boolean): void {
    this.#know([topicImage(TARGET.topic, this.#targetId, TARGETS, isOnline ? 1 : -1)], []);
  }

  #know(topics: readonly TopicImage[], gone: readonly TopicImage[]): void {
    const changes = (keyOf: (topic: TopicImage) => string) =>
      new Map<string, TopicImage | undefined>([
        ...gone.map((topic) => [keyOf(topic), undefined] as const),
        ...topics.map((topic) => [keyOf(topic), topic] as const),
      ]);
    this.image = {
      ...this.image,
      topics: this.image.topics.with(changes(({ name }) => name)),
      topicsById: this.image.topicsById.with(changes(({ id }) => id)),
    };
  }

  async #partition(id: typeof TARGET & { readonly partition: number }): Promise<Partition> {
    const holder: { partition?: Partition } = {};
    const onAdvance = (bytes: number) => holder.partition?.advanced(bytes);
    const log: Log = await this.#engine.create(id, { ...OPTIONS, onAdvance });
    holder.partition = await Partition.open(id, log, 0);
    return holder.partition;
  }

  /** Closes the shard, as when its broker dies, and loads it on another. */
  async crash(): Promise<void> {
    this.shard.close(ErrorCode.NOT_COORDINATOR);
    this.#leaderEpoch += 1;
    this.held.lead(this.#leaderEpoch);
    await this.load();
  }

  async load(): Promise<void> {
    const { time, random } = this;
    const world: World = {
      env: { clock: time, timers: time, random },
      image: () => this.image,
      config: () => new ConfigResolver(1, {}).broker(this.image),
      reportBug: (error) => this.failures.push(error),
      onFailure: () => this.failures.push(new Error("the shard has failed")),
      jumps: new ClockJumps(time),
    };
    const logger = { ...silentLogger, warn: (text: string) => void this.warnings.push(text) };
    this.shard = await HeldShard.load({
      name: "__delayed-0",
      ...{ partition: this.#slow(this.held), rules: this.#rules, world, logger },
      counts: this.counts,
      topicConfig: (topic) => new ConfigResolver(1, {}).topic(this.image, topic),
      newProducerId: async () => {
        if (this.hasProducerIds) return this.#nextProducerId++;
        throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
      },
      createTopic: () => {},
      minOffsets: 20,
      deliver: (_, attempt) => this.#deliver(attempt),
    });
  }

  /** What a shard appends may reach the log late, when another shard has read it already. */
  #slow(partition: Partition): HeldPartition {
    const { log } = partition;
    const append: Log["append"] = async (batch, leaderEpoch) => {
      if (this.slowAppends()) await this.settle(this.random.below(40));
      return log.append(batch, leaderEpoch);
    };
    const slowLog = new Proxy(log, {
      get(_, name) {
        if (name === "append") return append;
        const value = Reflect.get(log, name, log);
        return typeof value === "function" ? value.bind(log) : value;
      },
    });
    return {
      log: slowLog,
      get leaderEpoch() {
        return partition.leaderEpoch;
      },
      get highWatermark() {
        return partition.highWatermark;
      },
      onAdvance: (wake) => partition.onAdvance(wake),
      deleteBefore: (offset) => partition.deleteBefore(offset),
    };
  }

  /** Appends one record to the held log, as produce does. Returns its offset. */
  async produce(record: Omit<RecordInput, "timestamp">): Promise<number> {
    const timestamp = this.time.wallMs();
    const batch = encodeBatch([{ ...record, timestamp }], { crc32c });
    return (await this.held.append(batch, readBatchHeader(batch), timestamp)).baseOffset;
  }

  /** Without a partition: that of the id. */
  schedule(id: string, value: string, atMs: number, partition?: number): Promise<number> {
    const wanted = {
      ...{ "tarpan-topic": TARGET.topic, "tarpan-deliver-at": `${atMs}` },
      ...(partition === undefined ? {} : { "tarpan-partition": `${partition}` }),
    };
    const headers = Object.entries(wanted).map(([key, its]) => ({ key, value: text.encode(its) }));
    return this.produce({ key: text.encode(id), value: text.encode(value), headers });
  }

  cancel(id: string): Promise<number> {
    return this.produce({ key: text.encode(id), value: null });
  }

  /** Lets everything run that is ready, with timers that are due within `ms`. */
  async pass(ms: number, steps = 8): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.time.advance(Math.ceil(ms / steps));
      await this.settle();
    }
  }

  async settle(turns = 12): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  delivered(partitions: readonly Partition[] = this.targets): Promise<Delivered[]> {
    return allIn(partitions);
  }

  async #deliver({ topicId, partition, batch }: DeliveryAttempt): Promise<DeliveryOutcome> {
    const fault = this.fault();
    if (fault === "not asked") throw new Error("the broker can't be asked");
    if (fault === "answer slow") await this.settle(this.random.below(30));
    this.deliveries += 1;
    const values = [...decodeBatches([batch])].flatMap((one) => [...one.records()]);
    if (this.refuses(values.map(({ value }) => Buffer.from(value!).toString()))) {
      return { errorCode: ErrorCode.INVALID_RECORD, message: "refused" };
    }
    const places = topicId === this.#targetId ? this.targets : this.#others.get(topicId);
    if (places === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, message: null };
    const header = readBatchHeader(batch);
    const { errorCode, message } = await places[partition]!.append(batch, header);
    if (fault === "answer lost") throw new Error("the answer was lost");
    return { errorCode, message };
  }
}

async function allIn(partitions: readonly Partition[]): Promise<Delivered[]> {
  const all: Delivered[] = [];
  for (const [partition, { log }] of partitions.entries()) {
    let offset = 0;
    while (offset < log.endOffset) {
      for (const batch of decodeBatches(await log.read(offset, 1 << 20))) {
        for (const { value, timestamp, headers } of batch.records()) {
          const pairs = headers.map((one) => [one.key, Buffer.from(one.value!).toString()]);
          const own = { value: Buffer.from(value!).toString(), headers: Object.fromEntries(pairs) };
          all.push({ ...own, timestamp, partition });
        }
        offset = batch.header.lastOffset + 1;
      }
    }
  }
  return all;
}

function topicImage(name: string, id: string, partitions: number, leader = 1): TopicImage {
  const partition = {
    ...{ replicas: [1], isr: [1], adding: [], removing: [] },
    ...{ leader, leaderEpoch: 0, partitionEpoch: 0 },
  };
  return { name, id, partitions: Array.from({ length: partitions }, () => partition) };
}
