// The client against a real broker, embedded and in memory.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "@tarpan/broker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Admin,
  Client,
  type CompressionName,
  type ConsumedRecord,
  Consumer,
  type OffsetSpec,
  Producer,
} from "../src/index.ts";

let broker: Broker;
let client: Client;
let admin: Admin;

beforeAll(async () => {
  broker = await Broker.start();
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

async function readAll(
  topic: string,
  partitions: readonly number[] = [0],
  offset: OffsetSpec = "earliest",
): Promise<ConsumedRecord[]> {
  const consumer = new Consumer(client, { maxWaitMs: 50 });
  await consumer.assign(partitions.map((partition) => ({ topic, partition, offset })));
  const records: ConsumedRecord[] = [];
  do records.push(...(await consumer.poll()));
  while (!consumer.atEnd);
  consumer.close();
  return records;
}

describe("producer and consumer", () => {
  test("records are read as they were sent", async () => {
    const producer = new Producer(client);
    const record = {
      topic: "whole",
      partition: 0,
      key: "k",
      value: Uint8Array.of(0, 255, 10),
      headers: [
        { key: "a", value: "1" },
        { key: "a", value: null },
      ],
      timestamp: 1_700_000_000_000,
    };
    expect(await producer.send(record)).toEqual({
      topic: "whole",
      partition: 0,
      offset: 0,
      timestamp: 1_700_000_000_000,
    });
    await producer.send({ topic: "whole", partition: 0, value: null });
    const [first, second] = await readAll("whole");
    expect(first).toMatchObject({ topic: "whole", partition: 0, offset: 0 });
    expect(text(first!.key)).toBe("k");
    expect([...first!.value!]).toEqual([0, 255, 10]);
    expect(first!.headers.map(({ key, value }) => [key, text(value)])).toEqual([
      ["a", "1"],
      ["a", null],
    ]);
    expect(first!.timestamp).toBe(1_700_000_000_000);
    expect(second).toMatchObject({ offset: 1, key: null, value: null, headers: [] });
  });

  test.each<CompressionName>(["none", "gzip", "snappy", "lz4", "zstd"])(
    "%s",
    async (compression) => {
      const producer = new Producer(client, { compression });
      const values = Array.from({ length: 500 }, (_, i) => `value ${i} ${"x".repeat(i % 50)}`);
      const topic = `codec-${compression}`;
      await producer.sendBatch(values.map((value) => ({ topic, partition: 0, value })));
      expect((await readAll(topic)).map(({ value }) => text(value))).toEqual(values);
    },
  );

  test("records sent without waiting keep their order over many batches", async () => {
    const producer = new Producer(client, { batchBytes: 500 });
    const count = 2_000;
    const sent = Array.from({ length: count }, (_, i) =>
      producer.send({ topic: "order", partition: 0, value: String(i) }),
    );
    const offsets = (await Promise.all(sent)).map(({ offset }) => offset);
    expect(offsets).toEqual(Array.from({ length: count }, (_, i) => i));
    expect((await readAll("order")).map(({ value }) => Number(text(value)))).toEqual(offsets);
  });

  test("sendEach settles each record once, and keeps the order with other sends", async () => {
    const producer = new Producer(client);
    const at = { topic: "each", partition: 0 };
    const told: unknown[] = [];
    // First without cached metadata of the topic, then with it.
    const first = producer.send({ ...at, value: "0" });
    for (const values of [["1", "2"], ["3"]]) {
      const records = values.map((value) => ({ ...at, value }));
      producer.sendEach(records, (index, outcome) => told.push([values[index], outcome]));
      if (values.length > 1) await first;
    }
    const refused: unknown[] = [];
    producer.sendEach([{ ...at, partition: 7, value: "x" }], (_, why) => refused.push(why));
    expect(await producer.send({ ...at, value: "4" })).toMatchObject({ offset: 4 });
    await producer.flush();
    const where = (offset: number) => expect.objectContaining({ ...at, offset });
    const stored = [1, 2, 3].map((offset) => [String(offset), where(offset)]);
    expect(told).toEqual(stored);
    expect(refused).toMatchObject([{ code: "TARPAN_UNKNOWN_PARTITION" }]);
  });

  test("keys decide the partition, and so do partitioners", async () => {
    await admin.createTopic({ name: "spread", partitions: 10 });
    const byKey = new Producer(client);
    // murmur2("foobar") is -790332482.
    const where = await byKey.send({ topic: "spread", key: "foobar", value: "v" });
    expect(where.partition).toBe((-790332482 & 0x7fffffff) % 10);
    const turns = new Producer(client, { partitioner: "round-robin" });
    const sent = await turns.sendBatch(Array(20).fill({ topic: "spread", value: "v" }));
    expect(sent.map(({ partition }) => partition)).toEqual(
      [...Array(20).keys()].map((i) => i % 10),
    );
    expect(await readAll("spread", [...Array(10).keys()])).toHaveLength(21);
  });

  test("acks 0 and 1", async () => {
    for (const acks of [0, 1] as const) {
      const producer = new Producer(client, { acks });
      const { offset } = await producer.send({ topic: "acks", partition: 0, value: String(acks) });
      expect(offset).toBe(acks === 0 ? -1 : 1);
    }
    expect(await readAll("acks")).toHaveLength(2);
  });

  test("a record larger than a request is refused; two that fit only two requests use two", async () => {
    const value = Buffer.alloc(60 * 1024 * 1024);
    const producer = new Producer(client, { bufferMemoryBytes: 500 * 1024 * 1024 });
    await expect(
      producer.send({ topic: "large", value: Buffer.alloc(101 * 1024 * 1024) }),
    ).rejects.toMatchObject({ code: "TARPAN_RECORD_TOO_LARGE", retriable: false });
    await admin.createTopic({ name: "large", partitions: 2 });
    const sent = [0, 1].map((partition) => producer.send({ topic: "large", partition, value }));
    // The broker refuses it: one request with both would have closed the connection.
    for (const each of sent)
      await expect(each).rejects.toMatchObject({ code: "TARPAN_KAFKA_MESSAGE_TOO_LARGE" });
  });

  test("with maxBlockMs 0 send refuses records when the buffer is full, until ready resolves", async () => {
    const producer = new Producer(client, { bufferMemoryBytes: 10_000, maxBlockMs: 0 });
    await expect(producer.send({ topic: "full", value: "first" })).rejects.toMatchObject({
      ...{ code: "TARPAN_NO_METADATA", retriable: true },
    });
    await client.topic("full", { create: true });
    const record = { topic: "full", partition: 0, value: "x".repeat(2_000) };
    const sent = Array.from({ length: 10 }, () => producer.send(record).catch((e) => e.code));
    await producer.ready();
    const settled = await Promise.all(sent);
    const refused = settled.filter((each) => each === "TARPAN_BUFFER_FULL");
    expect(refused.length).toBeGreaterThan(0);
    expect(await readAll("full")).toHaveLength(10 - refused.length);
  });

  test("only a record that is too large fails", async () => {
    const producer = new Producer(client);
    const record = { topic: "large", partition: 0 };
    const large = producer.send({ ...record, value: new Uint8Array(2_000_000) });
    const small = producer.send({ ...record, value: "small" });
    await expect(large).rejects.toMatchObject({ code: "TARPAN_KAFKA_MESSAGE_TOO_LARGE" });
    await small;
    expect((await readAll("large")).map(({ value }) => text(value))).toEqual(["small"]);
  });

  test("only a record that can't be encoded fails", async () => {
    await admin.createTopic({ name: "odd", partitions: 2 });
    const producer = new Producer(client);
    const bad = producer.send({ topic: "odd", partition: 0, value: "v", timestamp: 1.5 });
    const good = producer.send({ topic: "odd", partition: 1, value: "v" });
    await expect(bad).rejects.toMatchObject({ code: "TARPAN_BAD_RECORD" });
    expect(await good).toMatchObject({ partition: 1, offset: 0 });
    const next = await producer.send({ topic: "odd", partition: 0, value: "v" });
    expect(next).toMatchObject({ partition: 0, offset: 0 });
  });

  test("flush and close wait until all records are settled", async () => {
    const producer = new Producer(client, { lingerMs: 60_000 });
    const sent = producer.send({ topic: "flush", partition: 0, value: "v" });
    await producer.flush();
    expect((await sent).offset).toBe(0);
    await producer.close();
    await expect(producer.send({ topic: "flush", value: "v" })).rejects.toThrow(/closed/);
  });

  test("an unknown partition and a bad name are refused at once", async () => {
    const producer = new Producer(client);
    const unknown = producer.send({ topic: "whole", partition: 9, value: "v" });
    await expect(unknown).rejects.toMatchObject({ code: "TARPAN_UNKNOWN_PARTITION" });
    const bad = producer.send({ topic: "no/slash", value: "v" });
    await expect(bad).rejects.toMatchObject({ code: "TARPAN_KAFKA_INVALID_TOPIC_EXCEPTION" });
  });
});

describe("where a consumer starts", () => {
  beforeAll(async () => {
    const producer = new Producer(client);
    for (let i = 0; i < 10; i++)
      await producer.send({ topic: "ten", partition: 0, value: String(i), timestamp: 1000 + i });
  });

  test.each<[OffsetSpec, number[]]>([
    ["earliest", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [7, [7, 8, 9]],
    [{ timestampMs: 1008 }, [8, 9]],
    [{ timestampMs: 5000 }, []],
    ["latest", []],
  ])("%j", async (offset, expected) => {
    const records = await readAll("ten", [0], offset);
    expect(records.map((record) => record.offset)).toEqual(expected);
  });

  test("outside the log", async () => {
    await expect(readAll("ten", [0], 99)).rejects.toMatchObject({
      code: "TARPAN_OFFSET_OUT_OF_RANGE",
      message: "ten-0 has no offset 99: its log starts at 0 and ends at 10",
    });
    const consumer = new Consumer(client, { onOutOfRange: "earliest" });
    await consumer.assign([{ topic: "ten", partition: 0, offset: 99 }]);
    expect((await consumer.poll(5_000))[0]?.offset).toBe(0);
    consumer.close();
  });

  test("seek moves the position, also while a fetch is in flight", async () => {
    const consumer = new Consumer(client);
    await consumer.assign([{ topic: "ten", partition: 0, offset: "latest" }]);
    expect(await consumer.poll(1)).toEqual([]);
    await consumer.seek("ten", 0, 3);
    expect((await consumer.poll(5_000)).map(({ offset }) => offset)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(consumer.position("ten", 0)).toBe(10);
    consumer.close();
  });

  test("iteration continues with later records, and ends with close", async () => {
    const consumer = new Consumer(client);
    await consumer.assign([{ topic: "ten", partition: 0, offset: 9 }]);
    const seen: number[] = [];
    for await (const { offset } of consumer) {
      seen.push(offset);
      if (offset === 9)
        await new Producer(client).send({ topic: "ten", partition: 0, value: "later" });
      if (offset === 10) consumer.close();
    }
    expect(seen).toEqual([9, 10]);
  });

  test("an unknown topic is refused at once", async () => {
    await expect(readAll("nowhere")).rejects.toMatchObject({ code: "TARPAN_UNKNOWN_TOPIC" });
  });
});

describe("admin", () => {
  test("a topic is created, listed, grown and deleted", async () => {
    const created = await admin.createTopic({
      name: "life",
      partitions: 2,
      configs: { "retention.ms": "1000" },
    });
    expect(created).toEqual({ name: "life", partitions: 2, replicas: 1 });
    await expect(admin.createTopic({ name: "life" })).rejects.toMatchObject({
      code: "TARPAN_KAFKA_TOPIC_ALREADY_EXISTS",
    });
    await admin.createPartitions("life", 5);
    expect((await admin.describeTopic("life")).partitions.map((p) => p.leader)).toEqual(
      Array(5).fill(broker.nodeId),
    );
    await admin.alterConfigs(
      { type: "topic", name: "life" },
      { "retention.ms": null, "segment.bytes": "2097152" },
    );
    const configs = await admin.describeConfigs({ type: "topic", name: "life" });
    expect(configs.filter((c) => !c.isDefault).map((c) => [c.name, c.value])).toEqual([
      ["segment.bytes", "2097152"],
    ]);
    expect((await admin.listTopics()).map(({ name }) => name)).toContain("life");
    await admin.deleteTopic("life");
    expect((await admin.listTopics()).map(({ name }) => name)).not.toContain("life");
    await expect(admin.describeTopic("life")).rejects.toMatchObject({
      code: "TARPAN_UNKNOWN_TOPIC",
    });
  });

  test("validateOnly creates nothing", async () => {
    await admin.createTopic({ name: "unmade", partitions: 1 }, { validateOnly: true });
    expect((await admin.listTopics()).map(({ name }) => name)).not.toContain("unmade");
  });

  test("deleteRecords moves the log start offset", async () => {
    const producer = new Producer(client);
    for (let i = 0; i < 3; i++) await producer.send({ topic: "cut", partition: 0, value: "v" });
    expect(await admin.deleteRecords({ topic: "cut", partition: 0 }, 2)).toBe(2);
    expect(await admin.offset({ topic: "cut", partition: 0 }, "earliest")).toBe(2);
    expect((await readAll("cut")).map(({ offset }) => offset)).toEqual([2]);
  });

  test("the cluster", async () => {
    const cluster = await admin.describeCluster();
    expect(cluster.clusterId).toBe(broker.clusterId);
    expect([...cluster.brokers.keys()]).toEqual([broker.nodeId]);
  });

  test("the initial rebalance delay is 0 in memory, Kafka's default on disk, or as configured", async () => {
    const name = "group.initial.rebalance.delay.ms";
    const dataDir = mkdtempSync(join(tmpdir(), "tarpan-delay-"));
    const delays: (string | null)[] = [];
    for (const options of [{}, { dataDir }, { configs: { [name]: 7 } }]) {
      await using broker = await Broker.start(options);
      await using client = new Client({ bootstrap: broker.bootstrap });
      const resource = { type: "broker", name: String(broker.nodeId) } as const;
      const [entry] = await new Admin(client).describeConfigs(resource, [name]);
      delays.push(entry!.value);
    }
    rmSync(dataDir, { recursive: true });
    expect(delays).toEqual(["0", "3000", "7"]);
  });
});
