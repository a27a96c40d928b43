// OrderedProducer and DelayedProducer against a real broker, embedded and in memory.
import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, test } from "vitest";
import { type ConsumedRecord, DelayedProducer, OrderedProducer, Producer } from "../src/index.ts";
import { useEmbedded } from "./embedded.ts";
import { scriptedBrokers } from "./scripted-brokers.ts";

const embedded = useEmbedded();
const { readAll } = embedded;

const noAnswer = () => null;

const text = (bytes: Uint8Array | null) => (bytes === null ? null : `${bytes}`);
const headersOf = ({ headers }: ConsumedRecord) =>
  headers.map(({ key, value }) => [key, text(value)]);

describe("OrderedProducer", () => {
  test("an order key finds the partition that the same key finds in any client", async () => {
    await embedded.admin.createTopic({ name: "ordered", partitions: 7 });
    await using producer = new OrderedProducer(embedded.client);
    const plain = new Producer(embedded.client);
    for (let id = 0; id < 20; id++) {
      const orderKey = `order-${id}`;
      const { partition } = await plain.send({ topic: "ordered", key: orderKey, value: "plain" });
      const own = await producer.send(orderKey, { topic: "ordered", value: "key" });
      const record = { topic: "ordered", key: "own", value: "header" };
      const other = await producer.send(Buffer.from(orderKey), record);
      expect([own.partition, other.partition]).toEqual([partition, partition]);
    }
    const records = await readAll("ordered");
    const withOwn = records.filter(({ key }) => text(key) === "own");
    expect(withOwn).toHaveLength(20);
    expect(headersOf(withOwn[0]!)).toEqual([
      ["tarpan-order-key", expect.stringMatching(/^order-\d+$/)],
    ]);
  });

  test.each(["", null, 5])("an order key that is %j is refused", async (orderKey) => {
    const producer = new OrderedProducer(embedded.client);
    await expect(
      producer.send(orderKey as string, { topic: "ordered", value: "v" }),
    ).rejects.toMatchObject({ code: "TARPAN_BAD_ARGUMENT" });
  });
});

describe("DelayedProducer", () => {
  const record = { topic: "later", value: "v" };

  test("without delayed messages in the cluster: refused, and no topic is made for them", async () => {
    const unknown = { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: "__delayed" };
    const brokers = await scriptedBrokers(1, [], () => [{ ...unknown, partitions: [] }], noAnswer);
    const producer = new DelayedProducer(brokers.client);
    const none = { code: "TARPAN_NO_DELAYED_MESSAGES" };
    await expect(producer.send(record, { delayMs: 1 })).rejects.toMatchObject(none);
    await expect(producer.cancel("id")).rejects.toMatchObject(none);
    expect(brokers.asked).toEqual([]);
    await brokers.close();
  });

  test("close waits for what was sent before, also for the first record", async () => {
    const producer = new DelayedProducer(embedded.client);
    const sent = producer.send({ ...record, key: "last" }, { delayMs: 1_000, id: "last" });
    await producer.close();
    expect(await sent).toBe("last");
    await expect(producer.send(record, { delayMs: 1 })).rejects.toMatchObject({
      code: "TARPAN_CLOSED",
    });
  });

  test("what the broker is told", async () => {
    await using producer = new DelayedProducer(embedded.client);
    const id = await producer.send({ ...record, partition: 3, key: "k" }, { delayMs: 1_500 });
    expect(id).toMatch(/^[\da-f-]{36}$/);
    const headers = [{ key: "own", value: "1" }];
    await producer.send({ ...record, headers }, { deliverAt: 5_000, id: "mine" });
    await producer.send({ ...record, key: Buffer.from([0, 255]) }, { level: 18, id: "mine" });
    await producer.cancel("mine");
    // By id: each has a partition of its own.
    const all = await readAll("__delayed");
    const told = [id, "mine"].flatMap((one) => all.filter(({ key }) => text(key) === one));
    expect(told.map(({ key }) => text(key))).toEqual([id, "mine", "mine", "mine"]);
    expect(told.map(({ value }) => text(value))).toEqual(["v", "v", "v", null]);
    expect(told.map(headersOf)).toEqual([
      [
        ["tarpan-topic", "later"],
        ["tarpan-partition", "3"],
        ["tarpan-key", "k"],
        ["tarpan-delay", "1500ms"],
      ],
      [
        ["own", "1"],
        ["tarpan-topic", "later"],
        ["tarpan-key", null],
        ["tarpan-deliver-at", "5000"],
      ],
      [
        ["tarpan-topic", "later"],
        ["tarpan-key", expect.any(String)],
        ["tarpan-delay", "2h"],
      ],
      [],
    ]);
    expect(told[2]!.headers[1]!.value).toEqual(Buffer.from([0, 255]));
  });

  test.each([
    [{}, {}, /give one of/],
    [{}, { delayMs: 1, level: 1 }, /give one of/],
    [{}, { level: 19 }, /level must be 1 to 18/],
    [{}, { level: 0 }, /level must be 1 to 18/],
    [{}, { delayMs: -1 }, /0 or more/],
    [{}, { delayMs: 0.5 }, /whole numbers/],
    [{}, { delayMs: 366 * 86_400_000 }, /more than 365 days/],
    [{}, { deliverAt: Date.now() + 366 * 86_400_000 }, /more than 365 days/],
    [{ value: null }, { delayMs: 1 }, /would cancel/],
    [{ topic: "__delayed" }, { delayMs: 1 }, /can't be delivered to __delayed/],
    [{ topic: "" }, { delayMs: 1 }, /can't be delivered to no topic/],
  ])("bad input %#", async (change, time, message) => {
    const producer = new DelayedProducer(embedded.client);
    await expect(producer.send({ ...record, ...change }, time)).rejects.toMatchObject({
      code: "TARPAN_BAD_RECORD",
      message: expect.stringMatching(message),
    });
  });
});
