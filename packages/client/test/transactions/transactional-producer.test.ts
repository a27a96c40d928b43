// The transactional producer against a real broker, embedded and in memory.
import { Broker } from "@tarpan/broker";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Connection } from "../../src/connection/connection.ts";
import {
  Admin,
  Client,
  Consumer,
  GroupConsumer,
  Producer,
  TransactionalProducer,
  type TransactionalProducerOptions,
} from "../../src/index.ts";

let broker: Broker;
let client: Client;
let admin: Admin;

beforeAll(async () => {
  broker = await Broker.start({ configs: { "group.initial.rebalance.delay.ms": 0 } });
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

let topics = 0;
let topic = "";
let transactionalId = "";

beforeEach(async () => {
  topic = `topic-${topics++}`;
  transactionalId = `id-${topic}`;
  await admin.createTopic({ name: topic, partitions: 1 });
});

const producerOf = (options: Partial<TransactionalProducerOptions> = {}) =>
  new TransactionalProducer(client, { transactionalId, ...options });

const record = (value: string) => ({ topic, partition: 0, value });

/** What a reader is given once `count` records are behind it, and no transaction is open. */
async function committed(count: number): Promise<string[]> {
  const consumer = new Consumer(client, { maxWaitMs: 20, isolationLevel: "read_committed" });
  await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
  const values: string[] = [];
  // The end includes the markers, which are written after an end was answered.
  const end = await admin.offset({ topic, partition: 0 }, "latest");
  while (values.length < count || consumer.position(topic, 0) < end)
    for (const { value } of await consumer.poll()) values.push(String(value));
  consumer.close();
  return values;
}

async function uncommitted(): Promise<string[]> {
  const consumer = new Consumer(client, { maxWaitMs: 20 });
  await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
  const values: string[] = [];
  do for (const { value } of await consumer.poll()) values.push(String(value));
  while (!consumer.atEnd);
  consumer.close();
  return values;
}

/** Both flows of requests: with an epoch for each transaction, and as before Kafka 4.0. */
describe.each(["new", "old"] as const)("%s flow", (flow) => {
  const { featureLevel } = Connection.prototype;
  beforeAll(() => {
    // To the client the broker is one whose transaction.version is 1; it serves both flows.
    if (flow === "old") Connection.prototype.featureLevel = () => 1;
  });
  afterAll(() => {
    Connection.prototype.featureLevel = featureLevel;
  });

  test("committed records are read, aborted ones between them are not", async () => {
    const producer = producerOf();
    for (const round of [0, 1, 2, 3]) {
      await producer.begin();
      for (const i of [0, 1, 2]) void producer.send(record(`${round}.${i}`));
      await (round % 2 === 0 ? producer.commit() : producer.abort());
    }
    await producer.close();
    expect(await committed(6)).toEqual(["0.0", "0.1", "0.2", "2.0", "2.1", "2.2"]);
  });

  test("reading committed records stops before an open transaction", async () => {
    const producer = producerOf();
    await producer.begin();
    await producer.send(record("open"));
    await new Producer(client).send(record("plain"));
    expect(await uncommitted()).toEqual(["open", "plain"]);
    const consumer = new Consumer(client, { maxWaitMs: 20, isolationLevel: "read_committed" });
    await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
    do expect(await consumer.poll()).toEqual([]);
    while (!consumer.atEnd);
    await consumer.seek(topic, 0, "latest");
    expect(consumer.position(topic, 0)).toBe(0);
    consumer.close();
    await producer.abort();
    expect(await committed(1)).toEqual(["plain"]);
  });

  test("an abort drops records that were not sent yet; the producer goes on", async () => {
    const producer = producerOf({ lingerMs: 60_000 });
    await producer.begin();
    const dropped = producer.send(record("dropped"));
    await producer.abort();
    await expect(dropped).rejects.toMatchObject({ code: "TARPAN_TRANSACTION_ABORTED" });
    await producer.begin();
    void producer.send(record("kept"));
    await producer.commit();
    expect(await committed(1)).toEqual(["kept"]);
    expect(await uncommitted()).toEqual(["kept"]);
  });

  test("an abort after some records were stored", async () => {
    const producer = producerOf({ batchBytes: 1 });
    await producer.begin();
    await producer.sendBatch([record("a"), record("b")]);
    void producer.send(record("c"));
    await producer.abort();
    await producer.begin();
    await producer.sendBatch([record("d")]);
    await producer.commit();
    expect(await committed(1)).toEqual(["d"]);
  });

  test("a newer producer fences the older one, whose transaction is aborted", async () => {
    const [older, newer] = [producerOf(), producerOf()];
    await older.begin();
    await older.send(record("older"));
    await newer.begin();
    await newer.send(record("newer"));
    const fenced = { code: "TARPAN_PRODUCER_FENCED", abortable: false };
    await expect(older.commit()).rejects.toMatchObject(fenced);
    await expect(older.begin()).rejects.toMatchObject(fenced);
    await expect(older.abort()).rejects.toMatchObject(fenced);
    expect(() => older.sendEach([record("x")], () => {})).toThrow(expect.objectContaining(fenced));
    await older.close();
    await newer.commit();
    expect(await committed(1)).toEqual(["newer"]);
  });

  test("a fenced producer's record is refused, then its abort says that it is fenced", async () => {
    const [older, newer] = [producerOf(), producerOf()];
    await older.begin();
    await older.send(record("older"));
    await newer.begin();
    await expect(older.send(record("late"))).rejects.toMatchObject({ name: "TransactionError" });
    await expect(older.commit()).rejects.toMatchObject({ name: "TransactionError" });
    await expect(older.abort()).rejects.toMatchObject({ code: "TARPAN_PRODUCER_FENCED" });
    await newer.close();
    expect(await committed(0)).toEqual([]);
  });

  test("after a refused record only an abort is allowed, then the producer goes on", async () => {
    const producer = producerOf();
    await producer.begin();
    void producer.send(record("lost"));
    const refused = producer.send({ ...record("x"), partition: 5 });
    const failed = { code: "TARPAN_TRANSACTION_FAILED", abortable: true };
    await expect(refused).rejects.toMatchObject(failed);
    await expect(producer.commit()).rejects.toMatchObject(failed);
    await expect(producer.send(record("x"))).rejects.toMatchObject(failed);
    await producer.abort();
    await producer.begin();
    void producer.send(record("kept"));
    await producer.commit();
    expect(await committed(1)).toEqual(["kept"]);
  });

  test("a record that a broker refuses fails the transaction", async () => {
    const name = `small-${topic}`;
    await admin.createTopic({ name, partitions: 1, configs: { "max.message.bytes": "200" } });
    const producer = producerOf();
    await producer.begin();
    const cause = expect.objectContaining({ kafkaName: "MESSAGE_TOO_LARGE" });
    void producer.send({ topic: name, partition: 0, value: "x".repeat(1_000) });
    await expect(producer.commit()).rejects.toMatchObject({ abortable: true, cause });
    await producer.abort();
    await producer.begin();
    await producer.send({ topic: name, partition: 0, value: "x" });
    await producer.commit();
  });

  test("consume, transform, produce: offsets are committed with the records", async () => {
    const [source, groupId] = [`source-${topic}`, `group-${topic}`];
    await admin.createTopic({ name: source, partitions: 1 });
    await new Producer(client).sendBatch(
      ["a", "b"].map((value) => ({ topic: source, partition: 0, value })),
    );
    const options = { groupId, autoCommit: false, autoOffsetReset: "earliest" } as const;
    const consumer = new GroupConsumer(client, { ...options, isolationLevel: "read_committed" });
    await consumer.subscribe([source]);
    const producer = producerOf();
    const transform = async (offset: number, value: string) => {
      await producer.begin();
      void producer.send(record(value.toUpperCase()));
      await producer.sendOffsets(consumer, [{ topic: source, partition: 0, offset }]);
    };
    let records = await consumer.poll(0);
    while (records.length === 0) records = await consumer.poll(100);
    await transform(1, String(records[0]!.value));
    await producer.commit();
    await transform(2, "lost");
    await producer.abort();
    await consumer.close();
    expect(await committed(1)).toEqual(["A"]);
    expect(await admin.groupOffsets(groupId)).toMatchObject([{ topic: source, offset: 1 }]);
  });

  test("offsets of a member that has left are refused", async () => {
    const producer = producerOf();
    await producer.begin();
    const member = { memberId: "gone", generation: 3, groupInstanceId: null };
    const group = { groupId: `left-${topic}`, member };
    const offsets = [{ topic, partition: 0, offset: 1 }];
    await admin.alterGroupOffsets(group.groupId, offsets);
    const failed = { code: "TARPAN_TRANSACTION_FAILED", abortable: true };
    await expect(producer.sendOffsets(group, offsets)).rejects.toMatchObject(failed);
    await expect(producer.commit()).rejects.toMatchObject(failed);
    await producer.abort();
    await producer.begin();
    await producer.sendOffsets({ groupId: group.groupId }, [{ ...offsets[0]!, offset: 7 }]);
    await producer.commit();
    const consumer = new GroupConsumer(client, { groupId: group.groupId });
    await consumer.subscribe([topic]);
    while (consumer.assignment.length === 0) await consumer.poll(50).catch(() => {});
    await consumer.close();
    expect(await admin.groupOffsets(group.groupId)).toMatchObject([{ offset: 7 }]);
  });

  test("offsets of a consumer that is no member any more are refused", async () => {
    const [groupId, offsets] = [`group-${topic}`, [{ topic, partition: 0, offset: 1 }]];
    const slow = { groupId, autoCommit: false, maxPollIntervalMs: 100, heartbeatIntervalMs: 50 };
    const removed = new GroupConsumer(client, slow);
    await removed.subscribe([topic]);
    while (removed.assignment.length === 0) await removed.poll(50);
    // It leaves the group because nobody polls, but still hands out what it has read.
    while (removed.member.generation >= 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const other = new GroupConsumer(client, { groupId, autoCommit: false });
    await other.subscribe([topic]);
    while (other.assignment.length === 0) await other.poll(50);
    const producer = producerOf();
    await producer.begin();
    const failed = { code: "TARPAN_TRANSACTION_FAILED", abortable: true };
    await expect(producer.sendOffsets(removed, offsets)).rejects.toMatchObject(failed);
    await producer.abort();
    await producer.begin();
    await producer.sendOffsets(other, offsets);
    await producer.commit();
    await other.close();
    await removed.close();
  });

  test("transactions without records end at once", async () => {
    const producer = producerOf();
    await producer.begin();
    await producer.commit();
    await producer.begin();
    await producer.abort();
    await producer.begin();
    await producer.close();
  });
});

test("calls out of order are refused, and change nothing", async () => {
  const producer = producerOf();
  const misuse = { code: "TARPAN_TRANSACTION_STATE" };
  await expect(producer.send(record("x"))).rejects.toMatchObject(misuse);
  await expect(producer.commit()).rejects.toMatchObject(misuse);
  await expect(producer.abort()).rejects.toMatchObject(misuse);
  await producer.begin();
  await expect(producer.begin()).rejects.toMatchObject(misuse);
  await producer.send(record("a"));
  const committing = producer.commit();
  await expect(producer.send(record("x"))).rejects.toMatchObject(misuse);
  await expect(producer.abort()).rejects.toMatchObject(misuse);
  await committing;
  expect(await committed(1)).toEqual(["a"]);
});

test("a transaction that the broker has aborted after its time-out can't be committed", async () => {
  const short = await Broker.start({
    configs: { "transaction.abort.timed.out.transaction.cleanup.interval.ms": 20 },
  });
  const other = new Client({ bootstrap: short.bootstrap, timeoutMs: 10_000 });
  try {
    await new Admin(other).createTopic({ name: topic, partitions: 1 });
    const options = { transactionalId, transactionTimeoutMs: 50 };
    const producer = new TransactionalProducer(other, options);
    await producer.begin();
    await producer.send(record("late"));
    const consumer = new Consumer(other, { maxWaitMs: 20, isolationLevel: "read_committed" });
    await consumer.assign([{ topic, partition: 0, offset: "earliest" }]);
    // The record and its abort marker.
    while (consumer.position(topic, 0) < 2) expect(await consumer.poll()).toEqual([]);
    consumer.close();
    await expect(producer.commit()).rejects.toMatchObject({
      ...{ code: "TARPAN_PRODUCER_FAILED", abortable: false },
      message: expect.stringContaining("it may have timed out"),
    });
    await producer.close();
  } finally {
    await other.close();
    await short.stop();
  }
});

test("a transaction time-out above the broker's maximum is refused", async () => {
  const producer = producerOf({ transactionTimeoutMs: 2_000_000_000 });
  const refused = { kafkaName: "INVALID_TRANSACTION_TIMEOUT" };
  await expect(producer.begin()).rejects.toMatchObject(refused);
});

test("the options are those of a producer, without acks", () => {
  const bad = expect.objectContaining({ code: "TARPAN_BAD_OPTION" });
  for (const options of [{}, { transactionalId: "" }, { transactionalId, acks: 1 }])
    expect(() => new TransactionalProducer(client, options as never)).toThrow(bad);
});
