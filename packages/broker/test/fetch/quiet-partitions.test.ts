// Incremental fetches cost as much as has changed, and miss nothing.
import {
  DeleteRecords,
  ErrorCode,
  Fetch,
  type RequestInput,
  readBatchHeader,
  ZERO_UUID,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { QUIET_CHECK_MS } from "../../src/fetch/limits.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";
import { deleteTopics } from "../metadata/ask.ts";
import { batchOf } from "../partition/batches.ts";

const PARTITIONS = 20;

/** A consumer that fetches in a session, and asks where it has read to. */
class Consumer {
  readonly #broker: WholeBroker;
  readonly #offsets = new Array<number>(PARTITIONS).fill(0);
  readonly starts = new Array<number>(PARTITIONS).fill(-1);
  #moved: number[];
  #sessionId = 0;
  #sessionEpoch = 0;

  constructor(broker: WholeBroker) {
    this.#broker = broker;
    this.#moved = this.#offsets.map((_, partition) => partition);
  }

  get offsets(): readonly number[] {
    return this.#offsets;
  }

  /** The partitions of the response. */
  async fetch(more: Partial<RequestInput<typeof Fetch>> = {}) {
    const partitions = this.#moved.map((partition) => ({
      partition,
      fetchOffset: this.#offsets[partition]!,
      partitionMaxBytes: 1 << 20,
    }));
    const topics = partitions.length === 0 ? [] : [{ topic: "t", topicId: ZERO_UUID, partitions }];
    const epochs = { sessionId: this.#sessionId, sessionEpoch: this.#sessionEpoch++ };
    const waits = { maxWaitMs: 0, minBytes: 1, forgottenTopicsData: [] };
    const response = await this.#broker.call(Fetch, 12, { ...waits, ...epochs, topics, ...more });
    expect(response.errorCode).toBe(0);
    this.#sessionId = response.sessionId;
    this.#moved = [];
    const answered = response.responses.flatMap((topic) => topic.partitions);
    for (const { partitionIndex, records, logStartOffset, errorCode } of answered) {
      this.starts[partitionIndex] = logStartOffset;
      if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) await this.#reset(partitionIndex);
      if (records === null || records.length === 0) continue;
      for (let at = 0; at < records.length; ) {
        const header = readBatchHeader(records, at);
        this.#offsets[partitionIndex] = header.lastOffset + 1;
        at += header.sizeBytes;
      }
      this.#moved.push(partitionIndex);
    }
    return answered;
  }

  async #reset(partition: number): Promise<void> {
    this.#offsets[partition] = partitionOf(this.#broker, partition).log.startOffset;
    this.#moved.push(partition);
  }
}

function partitionOf(broker: WholeBroker, index: number): Partition {
  return broker.broker.partitions.find("t", index) as Partition;
}

async function consumerAtTheTip() {
  const broker = await WholeBroker.start();
  await broker.createTopic("t", PARTITIONS);
  const consumer = new Consumer(broker);
  for (let i = 0; i < 3; i++) await consumer.fetch();
  let looks = 0;
  const { partitions } = broker.broker;
  const find = partitions.find.bind(partitions);
  partitions.find = (...which) => {
    looks += 1;
    return find(...which);
  };
  const looksOf = async (work: () => Promise<unknown>) => {
    looks = 0;
    await work();
    return looks;
  };
  return { broker, consumer, looksOf };
}

const produceTo = (broker: WholeBroker, partition: number) =>
  broker.produce("t", batchOf(1), { partition });

async function deleteTo(broker: WholeBroker, partitionIndex: number, offset: number) {
  const topics = [{ name: "t", partitions: [{ partitionIndex, offset }] }];
  await broker.call(DeleteRecords, 2, { topics, timeoutMs: 1000 });
}

async function untilWaiting(broker: WholeBroker): Promise<void> {
  while (broker.requestTimers < 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("A fetch session at the tip", () => {
  it("looks only at partitions that changed", async () => {
    const { broker, consumer, looksOf } = await consumerAtTheTip();
    expect(await looksOf(() => consumer.fetch())).toBe(0);
    await produceTo(broker, 7);
    expect(await looksOf(() => consumer.fetch())).toBe(1);
    expect(consumer.offsets[7]).toBe(1);
    // The consumer's new offset, and that there is no more.
    expect(await looksOf(() => consumer.fetch())).toBe(1);
    expect(await looksOf(() => consumer.fetch())).toBe(0);
  });

  it("is woken by what it does not look at, when enough bytes have come", async () => {
    const { broker, consumer } = await consumerAtTheTip();
    const bytes = batchOf(1).byteLength;
    const fetched = consumer.fetch({ maxWaitMs: 10_000, minBytes: 3 * bytes });
    await untilWaiting(broker);
    for (const partition of [3, 3, 5]) {
      expect(broker.requestTimers).toBe(1);
      await produceTo(broker, partition);
    }
    expect((await fetched).map((one) => one.partitionIndex).sort()).toEqual([3, 5]);
    expect([consumer.offsets[3], consumer.offsets[5]]).toEqual([2, 1]);
  });

  it("is told of a new start", async () => {
    const { broker, consumer } = await consumerAtTheTip();
    for (let i = 0; i < 2; i++) await produceTo(broker, 4);
    for (let i = 0; i < 2; i++) await consumer.fetch();
    await deleteTo(broker, 4, 1);
    expect(await consumer.fetch()).toMatchObject([{ partitionIndex: 4, logStartOffset: 1 }]);
    // Retention moves a start without an event.
    await partitionOf(broker, 4).log.deleteBefore(2);
    broker.time.advance(QUIET_CHECK_MS);
    expect(await consumer.fetch()).toMatchObject([{ partitionIndex: 4, logStartOffset: 2 }]);
  });

  it("is woken by the end of its topic", async () => {
    const { broker, consumer } = await consumerAtTheTip();
    const fetched = consumer.fetch({ maxWaitMs: 10_000 });
    await untilWaiting(broker);
    await deleteTopics(broker.metadata, [{ name: "t", id: null }]);
    const codes = (await fetched).map((one) => one.errorCode);
    expect(codes).toContain(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });

  it("misses nothing of a random history", async () => {
    const seed = seedOf("fetch sessions");
    const random = new SeededRandom(seed);
    const { broker, consumer } = await consumerAtTheTip();
    const ends = new Array<number>(PARTITIONS).fill(0);
    for (let step = 0; step < 400; step++) {
      const partition = random.below(PARTITIONS);
      const what = random.below(10);
      if (what < 4) {
        await produceTo(broker, partition);
        ends[partition]! += 1;
      } else if (what === 4) await deleteTo(broker, partition, random.below(ends[partition]! + 1));
      else await consumer.fetch({ maxBytes: random.pick([1, 200, 1 << 20]) });
    }
    for (let more = true; more; ) more = (await consumer.fetch()).length > 0;
    expect(consumer.offsets, `seed ${seed}`).toEqual(ends);
    const starts = ends.map((_, i) => partitionOf(broker, i).log.startOffset);
    expect(consumer.starts, `seed ${seed}`).toEqual(starts);
  });
});
