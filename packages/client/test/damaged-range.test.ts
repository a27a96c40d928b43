// Records that a broker can't read, or that arrive damaged: the consumer gets the range, and can
// read on after it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "@tarpan/broker";
import { crc32c } from "@tarpan/codecs";
import { encodeBatch, readBatchHeader } from "@tarpan/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { takeRecords } from "../src/consumer/fetch.ts";
import { Position } from "../src/consumer/position.ts";
import { Admin, Client, Consumer, GroupConsumer, Producer } from "../src/index.ts";

const topic = "t";
/** Batches of three records each; the second is damaged. */
const BATCH = 3;
const DAMAGED = { topic, partition: 0, offset: BATCH, nextOffset: 2 * BATCH };
const directory = mkdtempSync(join(tmpdir(), "tarpan-damaged-"));
let broker: Broker;
let client: Client;

beforeAll(async () => {
  const options = { dataDir: directory, configs: { "group.initial.rebalance.delay.ms": 0 } };
  broker = await Broker.start(options);
  client = new Client({ bootstrap: broker.bootstrap });
  await new Admin(client).createTopic({ name: topic, partitions: 2 });
  const producer = new Producer(client);
  for (const batch of ["a", "b", "c"])
    await producer.sendBatch(Array(BATCH).fill({ topic, partition: 0, value: batch }));
  await producer.send({ topic, partition: 1, value: "other" });
  await client.close();
  await broker.stop();
  const path = join(directory, `${topic}-0`, "00000000000000000000.log");
  const bytes = readFileSync(path);
  bytes[readBatchHeader(bytes).sizeBytes + 80]! ^= 1;
  writeFileSync(path, bytes);
  broker = await Broker.start(options);
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
});

afterAll(async () => {
  await client.close();
  await broker.stop();
  rmSync(directory, { recursive: true });
});

interface Reader {
  poll(): Promise<readonly { partition: number; offset: number; value: Buffer | null }[]>;
  seek(topic: string, partition: number, offset: number): Promise<void>;
}

/** All readable records of both partitions, and each DamagedRangeError. */
async function readAll(reader: Reader, count: number) {
  const found: string[] = [];
  const damages: unknown[] = [];
  while (found.length < count) {
    try {
      for (const { partition, offset, value } of await reader.poll())
        found.push(`${partition}@${offset} ${value}`);
    } catch (error) {
      damages.push(error);
      // The first time nothing is done about it: the next poll rejects again.
      if (damages.length > 1) await reader.seek(topic, 0, (error as typeof DAMAGED).nextOffset);
    }
  }
  return { found: found.sort(), damages };
}

const READABLE = ["0@0 a", "0@1 a", "0@2 a", "0@6 c", "0@7 c", "0@8 c", "1@0 other"];
const ERRORS = [1, 2].map(() => ({ code: "TARPAN_DAMAGED_RANGE", retriable: false, ...DAMAGED }));

test("a consumer gets the range, and reads on after it", async () => {
  const consumer = new Consumer(client);
  await consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: "earliest" })));
  const { found, damages } = await readAll(consumer, READABLE.length);
  expect(found).toEqual(READABLE);
  expect(damages).toMatchObject(ERRORS);
  expect((damages[0] as Error).message).toBe(
    "t-0: offsets 3 to 5 are damaged or missing; seek to 6 to go on without these records",
  );
  consumer.close();
});

test("a group consumer gets the range, reads on after it and commits", async () => {
  const group = { groupId: "g", autoOffsetReset: "earliest" } as const;
  const consumer = new GroupConsumer(client, group);
  await consumer.subscribe([topic]);
  const { found, damages } = await readAll(consumer, READABLE.length);
  expect(found).toEqual(READABLE);
  expect(damages).toMatchObject(ERRORS);
  await consumer.close();
  const offsets = await new Admin(client).groupOffsets("g");
  expect(offsets.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 9],
    [1, 1],
  ]);
});

test("an offset out of range in one partition loses no records of another", async () => {
  const consumer = new Consumer(client);
  await consumer.assign([
    { topic, partition: 1, offset: 0 },
    { topic, partition: 0, offset: 1_000 },
  ]);
  expect((await consumer.poll()).map(({ value }) => `${value}`)).toEqual(["other"]);
  await expect(consumer.poll()).rejects.toMatchObject({ code: "TARPAN_OFFSET_OUT_OF_RANGE" });
  consumer.close();
});

describe("records that arrive damaged", () => {
  const records = ["x", "y"].map((value) => {
    return { key: null, value: Buffer.from(value), timestamp: 0 };
  });
  const batches = [0, 2, 4].map((baseOffset) => encodeBatch(records, { baseOffset, crc32c }));
  const damagedAt = (at: number) => {
    const bytes = Buffer.concat(batches);
    bytes[batches[0]!.length + at]! ^= 1;
    return bytes;
  };

  test("the records before them are handed out, then the range is named", () => {
    const position = new Position(topic, 0, 0);
    const bytes = damagedAt(70);
    expect(takeRecords(position, bytes).map(({ offset }) => offset)).toEqual([0, 1]);
    expect(position.offset).toBe(2);
    const rest = bytes.subarray(batches[0]!.length);
    const damage = { code: "TARPAN_DAMAGED_RANGE", topic, partition: 0, offset: 2, nextOffset: 4 };
    expect(() => takeRecords(position, rest)).toThrow(expect.objectContaining(damage));
  });

  test("a damaged header does not tell the end of the range", () => {
    const position = new Position(topic, 0, 2);
    const rest = damagedAt(26).subarray(batches[0]!.length);
    const damage = { code: "TARPAN_DAMAGED_RANGE", offset: 2, nextOffset: null };
    expect(() => takeRecords(position, rest)).toThrow(expect.objectContaining(damage));
  });
});
