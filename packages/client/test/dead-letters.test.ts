// DeadLetters against a real broker, embedded and in memory.
import { beforeEach, describe, expect, test } from "vitest";
import {
  type ConsumedRecord,
  Consumer,
  DeadLetters,
  Producer,
  type RedriveProgress,
} from "../src/index.ts";
import { useEmbedded } from "./embedded.ts";

const embedded = useEmbedded();
let names = 0;
/** A topic, its dead letters, and another topic. */
let origin: string;
let letters: DeadLetters;
let other: string;

beforeEach(async () => {
  origin = `origin${names++}`;
  letters = new DeadLetters(embedded.client, `${origin}.dlq`);
  other = `${origin}-other`;
  for (const name of [origin, letters.topic, other])
    await embedded.admin.createTopic({ name, partitions: 2 });
});

const text = (bytes: Uint8Array | null) => (bytes === null ? null : `${bytes}`);

interface Sent {
  readonly reason?: string;
  readonly group?: string;
  readonly partition?: number;
  readonly lastMs?: number;
}

/** Sends a letter as a run does; its value is the offset of origin. */
async function bury(offset: number, sent: Sent = {}): Promise<void> {
  const { reason = "final-error", group = "g", partition = 0, lastMs = 2_000 } = sent;
  const headers = {
    own: "1",
    "__dlq.errors.topic": origin,
    "__dlq.errors.partition": String(partition),
    "__dlq.errors.offset": String(offset),
    "__dlq.errors.group": group,
    "__dlq.errors.delivery.count": "3",
    "__dlq.errors.message": `no ${offset}`,
    "tarpan-reason": reason,
    "tarpan-first-failure": "1000",
    "tarpan-last-failure": String(lastMs),
  };
  await new Producer(embedded.client).send({
    ...{ topic: letters.topic, partition, key: `k${offset}`, value: String(offset) },
    headers: Object.entries(headers).map(([key, value]) => ({ key, value })),
    timestamp: 500,
  });
}

async function readAll(topic: string): Promise<ConsumedRecord[]> {
  const consumer = new Consumer(embedded.client, {
    maxWaitMs: 20,
    isolationLevel: "read_committed",
  });
  await consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: "earliest" })));
  const records: ConsumedRecord[] = [];
  do records.push(...(await consumer.poll()));
  while (!consumer.atEnd);
  consumer.close();
  return records;
}

const valuesOf = async (topic: string) =>
  (await readAll(topic)).map(({ value }) => Number(text(value))).sort((a, b) => a - b);

describe("list, show, statistics", () => {
  test("what a letter says", async () => {
    await bury(7, { partition: 1 });
    const letter = await letters.show(1, 0);
    expect(letter).toMatchObject({
      ...{ topic: letters.topic, partition: 1, offset: 0, timestamp: 500 },
      origin: { topic: origin, partition: 1, offset: 7 },
      ...{ group: "g", reason: "final-error", message: "no 7", attempts: 3 },
      ...{ firstFailureMs: 1_000, lastFailureMs: 2_000, redriven: false },
      ...{ stack: null, consumer: null },
    });
    expect(letter.headers.map(({ key }) => key)).toEqual(["own"]);
    await expect(letters.show(1, 1)).rejects.toMatchObject({ code: "TARPAN_NO_DEAD_LETTER" });
  });

  test("filters", async () => {
    await bury(0, { group: "h" });
    await bury(1, { reason: "process-ended", partition: 1 });
    await bury(2, { lastMs: 5_000 });
    await new Producer(embedded.client).send({ topic: letters.topic, partition: 0, value: "3" });
    const found = async (...filter: Parameters<DeadLetters["list"]>) =>
      (await letters.list(...filter)).map(({ value }) => Number(text(value)));
    expect(await found()).toEqual([0, 2, 3, 1]);
    expect(await found({}, 2)).toHaveLength(2);
    expect(await found({ group: "h" })).toEqual([0]);
    expect(await found({ reason: "process-ended" })).toEqual([1]);
    expect(await found({ originTopic: origin })).toEqual([0, 2, 1]);
    expect(await found({ originTopic: other })).toEqual([]);
    expect(await found({ message: "o 2" })).toEqual([2]);
    expect(await found({ key: "k1" })).toEqual([1]);
    expect(await found({ fromMs: 2_001, untilMs: 5_001 })).toEqual([2]);
    expect(await found({ untilMs: 5_000, group: "g" })).toEqual([1]);
    expect(await letters.statistics()).toEqual({
      ...{ letters: 4, redriven: 0 },
      byTopic: { [origin]: 3, "": 1 },
      byReason: { "final-error": 2, "process-ended": 1, "": 1 },
      byGroup: { g: 2, h: 1, "": 1 },
    });
  });
});

describe("redrive", () => {
  test("to the origin, each letter once, in whatever calls", async () => {
    for (let offset = 0; offset < 10; offset++) await bury(offset, { partition: offset % 2 });
    // A consumer that crashed before its commit has sent this one twice.
    await bury(4);
    expect(await letters.redrive({ partition: 0, offset: 1 })).toEqual({ redriven: 1, skipped: 0 });
    expect(await valuesOf(origin)).toEqual([2]);
    expect(await letters.redrive()).toEqual({ redriven: 9, skipped: 2 });
    expect(await letters.redrive()).toEqual({ redriven: 0, skipped: 11 });
    const records = await readAll(origin);
    expect(records.map(({ value }) => Number(text(value))).sort()).toEqual([...Array(10).keys()]);
    for (const { partition, key, value, headers, timestamp } of records) {
      expect(partition).toBe(Number(text(value)) % 2);
      expect(text(key)).toBe(`k${text(value)}`);
      expect(headers.map((each) => each.key)).toEqual(["own"]);
      expect(timestamp).toBeGreaterThan(1_600_000_000_000);
    }
    expect(await letters.statistics()).toMatchObject({ letters: 0, redriven: 11, byTopic: {} });
    expect((await letters.list()).every(({ redriven }) => redriven)).toBe(true);
  });

  test("elsewhere, paced, with progress; stopped and gone on with", async () => {
    for (let offset = 0; offset < 7; offset++) await bury(offset);
    const ending = new AbortController();
    const progress: RedriveProgress[] = [];
    const onProgress = (each: RedriveProgress) => {
      progress.push(each);
      if (each.redriven === 4) ending.abort();
    };
    const options = { to: other, perSecond: 20, onProgress, signal: ending.signal };
    expect(await letters.redrive({}, options)).toEqual({ redriven: 4, skipped: 0 });
    expect(progress.map(({ redriven }) => redriven)).toEqual([2, 4]);
    expect(await valuesOf(other)).toEqual([0, 1, 2, 3]);
    expect(await letters.redrive({}, { to: other })).toEqual({ redriven: 3, skipped: 4 });
    expect(await valuesOf(other)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await valuesOf(origin)).toEqual([]);
  });

  test("two at the same time: the newer fences the older, and no letter is sent twice", async () => {
    for (let offset = 0; offset < 250; offset++) await bury(offset);
    const results = await Promise.allSettled([letters.redrive(), letters.redrive()]);
    expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
    for (const each of results)
      if (each.status === "rejected")
        expect(each.reason).toMatchObject({ code: "TARPAN_PRODUCER_FENCED" });
    await letters.redrive();
    expect(await valuesOf(origin)).toEqual([...Array(250).keys()]);
  });

  test("a target that can't be written: told, nothing is marked", async () => {
    await bury(1);
    const to = `${origin}-small`;
    await embedded.admin.createTopic({
      name: to,
      partitions: 1,
      configs: { "max.message.bytes": "10" },
    });
    await expect(letters.redrive({}, { to })).rejects.toMatchObject({
      code: "TARPAN_TRANSACTION_FAILED",
    });
    expect(await letters.statistics()).toMatchObject({ letters: 1, redriven: 0 });
    expect(await letters.redrive()).toEqual({ redriven: 1, skipped: 0 });
  });

  test("a letter that does not say where it came from needs `to`", async () => {
    await new Producer(embedded.client).send({ topic: letters.topic, partition: 0, value: "3" });
    await expect(letters.redrive()).rejects.toMatchObject({ code: "TARPAN_NO_ORIGIN" });
    await expect(letters.redrive({}, { to: letters.topic })).rejects.toMatchObject({
      code: "TARPAN_BAD_OPTION",
    });
    expect(await letters.redrive({}, { to: other })).toEqual({ redriven: 1, skipped: 0 });
    expect(await valuesOf(other)).toEqual([3]);
  });
});

test("purge: a partition's first letters, or all", async () => {
  for (let offset = 0; offset < 6; offset++) await bury(offset, { partition: offset % 2 });
  expect(await letters.purge({ partition: 0, offset: 2 })).toBe(2);
  const left = await letters.list();
  expect(left.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 2],
    [1, 0],
    [1, 1],
    [1, 2],
  ]);
  expect(await letters.purge()).toBe(4);
  expect(await letters.list()).toEqual([]);
  expect(await letters.redrive()).toEqual({ redriven: 0, skipped: 0 });
});
