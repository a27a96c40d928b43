// Wrong arguments, which JavaScript allows: refused by name before anything is sent.
import { Broker } from "@tarpan/broker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Admin,
  Client,
  ClientError,
  Connection,
  Consumer,
  GroupConsumer,
  Producer,
} from "../src/index.ts";

let broker: Broker;
let client: Client;

beforeAll(async () => {
  broker = await Broker.start({ configs: { "num.partitions": 1 } });
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: what a caller without types may write
type Any = any;

describe("options", () => {
  const producer = (options: Any) => () => new Producer(client, options);
  const consumer = (options: Any) => () => new Consumer(client, options);
  const group = (options: Any) => () => new GroupConsumer(client, options);
  const whole = (min: number) => `must be a whole number from ${min} to 2147483647, not`;
  test.each<[string, () => unknown, string]>([
    ["an unknown one", producer({ linger: 5 }), "no option linger; did you mean lingerMs?"],
    ["one of another client's", producer({ allowAutoTopicCreation: true }), "options: acks, "],
    ["a compression", producer({ compression: "brotli" }), "none, gzip, snappy, lz4, zstd"],
    ["a name that every object has", producer({ toString: 1 }), "there is no option toString"],
    ["acks", producer({ acks: 2 }), "acks must be one of all, -1, 0, 1, not 2"],
    ["a flag", producer({ idempotent: "no" }), 'idempotent must be true or false, not "no"'],
    ["a partitioner", producer({ partitioner: "hsah" }), "a function, or one of hash, sticky"],
    ["a fraction", producer({ lingerMs: 0.5 }), `lingerMs ${whole(0)} 0.5`],
    ["no number", consumer({ maxWaitMs: Number.NaN }), `maxWaitMs ${whole(0)} NaN`],
    ["more than a timer takes", consumer({ patienceMs: 2 ** 31 }), `${whole(0)} 2147483648`],
    ["a reset", consumer({ onOutOfRange: "newest" }), "must be one of fail, earliest, latest"],
    ["no group", group({}), "the option groupId is required"],
    ["no options", group(undefined), "the options must be an object, not undefined"],
    ["a name for an id", group({ groupid: "g" }), "did you mean groupId?"],
    ["an assignor", group({ groupId: "g", assignors: ["rang"] }), "unknown assignor rang"],
    ["half an assignor", group({ groupId: "g", assignors: [{ name: "a" }] }), "assignors[0].coop"],
    ["no address", () => new Client({} as Any), "the option bootstrap is required"],
    ["an address", () => new Client({ bootstrap: 9092 } as Any), "bootstrap must be"],
    ["no time", () => new Client({ bootstrap: "a", timeoutMs: 0 }), `timeoutMs ${whole(1)} 0`],
  ])("%s", (_what, make, message) => {
    expect(make).toThrow(ClientError);
    expect(make).toThrow(
      expect.objectContaining({
        code: "TARPAN_BAD_OPTION",
        message: expect.stringContaining(message),
      }),
    );
  });

  test("an option that is undefined counts as left out", () => {
    new Producer(client, { acks: undefined, lingerMs: undefined } as Any);
    new Consumer(client, { maxWaitMs: undefined });
  });

  test("a first argument that is no Client", () => {
    const options: Any = { bootstrap: "localhost" };
    for (const Each of [Producer, Consumer, Admin, GroupConsumer] as Any[])
      expect(() => new Each(options)).toThrow(/the first argument must be a Client/);
  });

  test("options of a connection", async () => {
    const options: Any = { host: "localhost", port: "x", clientId: "c", timeoutMs: 1 };
    await expect(Connection.open(options)).rejects.toMatchObject({ code: "TARPAN_BAD_OPTION" });
  });
});

describe("records", () => {
  const good = { topic: "checked", value: "v" };
  test.each<[string, Any, string]>([
    ["no value", { topic: "checked" }, "it is missing: use null for a tombstone"],
    ["an undefined value", { ...good, value: undefined }, "use null for a tombstone"],
    ["an object for a value", { ...good, value: { a: 1 } }, "a string, a Uint8Array or null"],
    ["a number for a value", { ...good, value: 1 }, "a string, a Uint8Array or null"],
    ["a number for a key", { ...good, key: 1 }, "key must be"],
    ["no topic", { value: "v" }, "topic must be a string"],
    ["a fraction for a time", { ...good, timestamp: 1.5 }, "whole number of ms"],
    ["a Date for a time", { ...good, timestamp: new Date() }, "whole number of ms"],
    ["a partition below 0", { ...good, partition: -1 }, "partition must be"],
    ["headers as kafkajs has them", { ...good, headers: { a: "1" } }, "an array of { key, value }"],
    ["a header without a value", { ...good, headers: [{ key: "a" }] }, "a header's value"],
    ["a header without a key", { ...good, headers: [{ value: "a" }] }, "a header's key"],
    ["nothing", undefined, "a record must be an object"],
  ])("%s", async (_what, record, problem) => {
    const producer = new Producer(client);
    const bad = { code: "TARPAN_BAD_RECORD", message: expect.stringContaining(problem) };
    await expect(producer.send(record)).rejects.toMatchObject(bad);
    await expect(producer.sendBatch([good, record, good])).rejects.toMatchObject(bad);
  });

  test("sendBatch stores all records or, if it is refused, none", async () => {
    const at = { topic: "checked-batches", partition: 0 };
    const record = { ...at, value: Buffer.alloc(1_000) };
    await client.topic(at.topic, { create: true });
    const producer = new Producer(client, { bufferMemoryBytes: 10_000, maxBlockMs: 0 });
    // Accepted despite its size, because the buffer is empty.
    const taken = producer.sendBatch(Array(20).fill(record));
    const full = { code: "TARPAN_BUFFER_FULL", retriable: true };
    await expect(producer.sendBatch([record, record])).rejects.toMatchObject(full);
    await expect(producer.sendBatch([{ ...record, value: "small" }])).rejects.toMatchObject(full);
    expect((await taken).map(({ offset }) => offset)).toEqual([...Array(20).keys()]);
    await producer.ready();
    await producer.sendBatch(Array(20).fill(record));
    await expect(producer.sendBatch("records" as Any)).rejects.toMatchObject({
      code: "TARPAN_BAD_ARGUMENT",
    });
    expect(await new Admin(client).offset(at, "latest")).toBe(40);
    await producer.close();
    await expect(producer.sendBatch([record])).rejects.toMatchObject({ code: "TARPAN_CLOSED" });
  });
});

describe("arguments", () => {
  const t = { topic: "t", partition: 0 };
  const admin = () => new Admin(client) as Any;
  const consumer = () => new Consumer(client) as Any;
  const member = () => new GroupConsumer(client, { groupId: "g" }) as Any;
  test.each<[string, () => unknown, string]>([
    ["offset of a fraction", () => admin().offset(t, 1.5), "offset must be a whole number"],
    ["offset of a misspelt end", () => admin().offset(t, "lastest"), '"earliest", "latest" or'],
    ["offset at a time", () => admin().offset(t, { timestampMs: 1.5 }), "offset.timestampMs must"],
    ["offset of nothing", () => admin().offset("t", 0), "at must be an object with topic, par"],
    ["createPartitions", () => admin().createPartitions("t", "3"), "count must be a whole number"],
    ["deleteTopic", () => admin().deleteTopic(["t"]), "name must be a string that is"],
    ["describeTopic", () => admin().describeTopic(), "name must be a string that is"],
    ["deleteRecords", () => admin().deleteRecords(t, -2), "offset must be a whole number"],
    ["alterConfigs", () => admin().alterConfigs({ type: "topic", name: "t" }, { a: 1 }), '["a"]'],
    ["describeConfigs", () => admin().describeConfigs({ type: "topics" }), "resource.type must"],
    ["deleteGroups", () => admin().deleteGroups("g"), "groupIds must be an array"],
    ["groupLag", () => admin().groupLag(1), "groupId must be a string that is"],
    ["alterGroupOffsets", () => admin().alterGroupOffsets("g", [t]), "offsets[0].offset must be"],
    ["assign", () => consumer().assign([t]), "assignments[0].offset must be"],
    ["assign to one", () => consumer().assign(t), "assignments must be an array"],
    ["seek", () => consumer().seek("t", 0, -1), "offset must be a whole number from 0"],
    ["poll", () => consumer().poll("1s"), "maxWaitMs must be a number of ms, 0 or more"],
    ["subscribe to a text", () => member().subscribe("t"), "topics must be an array"],
    ["commit", () => member().commit([{ ...t, offset: 1, metadata: 5 }]), "offsets[0].metadata"],
    ["a topic", () => (client as Any).topic(7), "topic must be a string"],
  ])("%s", async (_what, call, message) => {
    await expect(Promise.resolve().then(call)).rejects.toMatchObject({
      code: "TARPAN_BAD_ARGUMENT",
      message: expect.stringContaining(message),
    });
  });

  test("createTopic and listGroups check options", async () => {
    const bad = { code: "TARPAN_BAD_OPTION" };
    await expect(admin().createTopic({ name: "t", numPartitions: 3 })).rejects.toMatchObject({
      ...bad,
      message: "createTopic: there is no option numPartitions; did you mean partitions?",
    });
    await expect(admin().createTopic({ name: "t", partitions: 0 })).rejects.toMatchObject(bad);
    await expect(admin().createTopic("t")).rejects.toMatchObject(bad);
    await expect(admin().listGroups({ state: ["Empty"] })).rejects.toMatchObject(bad);
  });
});
