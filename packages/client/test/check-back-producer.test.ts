// CheckBackProducer against a real broker, embedded and in memory.
import { Broker } from "@tarpan/broker";
import { ErrorCode } from "@tarpan/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ListenerCalls } from "../src/check-back/listener-calls.ts";
import {
  Admin,
  CheckBackProducer,
  type CheckBackProducerOptions,
  Client,
  type ConsumedRecord,
  Consumer,
  type LocalOutcome,
  type LocalTransaction,
  type Trouble,
} from "../src/index.ts";
import { scriptedBrokers } from "./scripted-brokers.ts";

let broker: Broker;
let client: Client;
const troubles: Trouble[] = [];
const closing: (() => unknown)[] = [];

const onTrouble = (trouble: Trouble) => void troubles.push(trouble);
const clientOf = () => new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000, onTrouble });

beforeAll(async () => {
  broker = await Broker.start({
    configs: {
      "group.initial.rebalance.delay.ms": 0,
      "tarpan.half.message.timeout.ms": 150,
      "tarpan.half.message.check.interval.ms": 200,
    },
  });
  client = clientOf();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  troubles.length = 0;
});
afterAll(async () => {
  await client.close();
  await broker.stop();
});

let names = 0;
/** A producer of a group of its own, whose records go to a topic of its own. */
async function producerOf(options: Partial<CheckBackProducerOptions> = {}, own = client) {
  const topic = `target-${names}`;
  const producerGroup = options.producerGroup ?? `group-${names}`;
  // The broker would create it for the first check, which members notice only a little later.
  const name = `${producerGroup}.checks`;
  await new Admin(client).createTopic({ name, partitions: 4 }).catch(() => {});
  await new Admin(client).createTopic({ name: topic, partitions: 2 });
  names++;
  const producer = new CheckBackProducer(own, {
    ...{ executeLocalTransaction: () => "commit", checkLocalTransaction: () => "unknown" },
    ...options,
    producerGroup,
  });
  closing.push(() => producer.close());
  return { producer, topic };
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : `${bytes}`);

/** The records of a topic's partitions, once there are so many. */
async function read(topic: string, count: number): Promise<ConsumedRecord[]> {
  const { partitions } = await new Admin(client).describeTopic(topic);
  const consumer = new Consumer(client, { maxWaitMs: 20 });
  const offset = "earliest" as const;
  await consumer.assign(partitions.map(({ partition }) => ({ topic, partition, offset })));
  const records: ConsumedRecord[] = [];
  while (records.length < count) records.push(...(await consumer.poll()));
  consumer.close();
  return records;
}

const values = (records: readonly ConsumedRecord[]) => records.map(({ value }) => text(value));

/** A local transaction that the test ends. */
function localTransaction() {
  let answer = (_outcome: LocalOutcome) => {};
  let call = () => {};
  const called = new Promise<void>((resolve) => {
    call = resolve;
  });
  const listener = () => {
    call();
    return new Promise<LocalOutcome>((resolve) => {
      answer = resolve;
    });
  };
  return { listener, called, answer: (outcome: LocalOutcome) => answer(outcome) };
}

test("commit delivers the record as it was, rollback does not", async () => {
  const seen: LocalTransaction[] = [];
  const outcomes: LocalOutcome[] = ["rollback", "commit"];
  const { producer, topic } = await producerOf({
    executeLocalTransaction: async (transaction) => {
      seen.push(transaction);
      return outcomes.shift();
    },
  });
  const headers = [{ key: "own", value: "1" }];
  const record = { topic, key: "k", value: "v", headers, timestamp: 5_000 };
  const dropped = await producer.send({ ...record, value: "dropped" });
  expect(dropped).toMatchObject({ outcome: "rollback", resolved: true });
  const sent = await producer.send(record, { id: "order-1" });
  expect(sent).toEqual({ id: "order-1", outcome: "commit", resolved: true });
  const [delivered, ...others] = await read(topic, 1);
  expect(others).toEqual([]);
  expect([text(delivered!.key), text(delivered!.value)]).toEqual(["k", "v"]);
  expect(delivered!.headers.find(({ key }) => key === "own")?.value?.toString()).toBe("1");
  expect(seen[1]).toMatchObject({ id: "order-1", size: 1, check: 0, checksLeft: null });
  const [half] = seen[1]!.records;
  expect(half).toMatchObject({ topic, partition: null, timestamp: 5_000 });
  expect([text(half!.key), text(half!.value), half!.headers.length]).toEqual(["k", "v", 1]);
});

test.each([
  ["says unknown", () => "unknown" as const, []],
  ["says nothing", () => undefined, []],
  [
    "throws",
    () => {
      throw new Error("no database");
    },
    ["no database"],
  ],
  ["says something else", () => "yes" as never, ["answered yes"]],
])("a listener that %s: the broker asks, and the answer counts", async (_what, listener, told) => {
  const checks: LocalTransaction[] = [];
  const { producer, topic } = await producerOf({
    executeLocalTransaction: listener,
    checkLocalTransaction: (transaction) => {
      checks.push(transaction);
      return "commit";
    },
  });
  const headers = [{ key: "own", value: null }];
  const record = { topic, partition: 0, key: null, value: "v", headers, timestamp: 7_000 };
  const sent = await producer.send(record);
  expect(sent).toMatchObject({ outcome: "unknown", resolved: false });
  const reported = troubles.filter(({ kind }) => kind === "failed");
  expect(reported).toMatchObject(
    told.map((part) => ({
      what: expect.stringContaining(`executeLocalTransaction of transaction ${sent.id}`),
      error: { message: expect.stringContaining(part) },
    })),
  );
  expect(values(await read(topic, 1))).toEqual(["v"]);
  const [check] = checks;
  expect(check).toMatchObject({ id: sent.id, size: 1, check: 1, checksLeft: 14 });
  expect(check!.records).toEqual([
    { topic, partition: 0, key: null, value: Buffer.from("v"), headers, timestamp: 7_000 },
  ]);
});

test("a listener that hangs: unknown, and its late answer still counts", async () => {
  const local = localTransaction();
  const { producer, topic } = await producerOf({
    listenerTimeoutMs: 40,
    executeLocalTransaction: local.listener,
  });
  const sent = await producer.send({ topic, value: "late" });
  expect(sent).toMatchObject({ outcome: "unknown", resolved: false });
  expect(troubles).toMatchObject([{ kind: "failed", error: { code: "TARPAN_TIMEOUT" } }]);
  local.answer("commit");
  expect(values(await read(topic, 1))).toEqual(["late"]);
});

describe("batches", () => {
  const three = (topic: string) => ["a", "b", "c"].map((value) => ({ topic, key: value, value }));

  test("one listener call, one record batch, all or nothing", async () => {
    const seen: LocalTransaction[] = [];
    const { producer, topic } = await producerOf({
      executeLocalTransaction: (transaction) => {
        seen.push(transaction);
        return seen.length === 1 ? "rollback" : "commit";
      },
    });
    await producer.sendBatch(three(topic));
    const others = [1, 2, 3].map(() => producer.send({ topic, value: "other" }));
    const { id } = await producer.sendBatch(three(topic), { id: "batch-1" });
    await Promise.all(others);
    const delivered = values(await read(topic, 6));
    expect(delivered.toSorted()).toEqual(["a", "b", "c", "other", "other", "other"]);
    const batch = seen.find((each) => each.id === id);
    expect(batch).toMatchObject({ size: 3, records: three(topic).map(() => ({ topic })) });
    expect(seen).toHaveLength(5);
    const waited = await read("__half_messages", 1);
    const ofBatch = waited.filter(({ key }) => text(key)?.startsWith("batch-1/"));
    expect(new Set(ofBatch.map(({ partition }) => partition)).size).toBe(1);
    expect(ofBatch.map(({ key }) => text(key)).slice(0, 3)).toEqual([
      ...["batch-1/0", "batch-1/1", "batch-1/2"],
    ]);
  });

  test("a check of any record settles all", async () => {
    const checks: LocalTransaction[] = [];
    const { producer, topic } = await producerOf({
      executeLocalTransaction: () => "unknown",
      checkLocalTransaction: (transaction) => {
        checks.push(transaction);
        return "commit";
      },
    });
    const { id } = await producer.sendBatch(three(topic));
    expect(values(await read(topic, 3)).toSorted()).toEqual(["a", "b", "c"]);
    expect(checks[0]).toMatchObject({ id, size: 3, records: [{ topic }] });
    expect(new Set(checks.map(({ check }) => check))).toEqual(new Set([1]));
  });

  test("a batch that is too large for the topic: refused, and the listener is not called", async () => {
    const { producer, topic } = await producerOf({
      executeLocalTransaction: () => expect.fail("called"),
    });
    const large = { topic, value: Buffer.alloc(600_000, 1) };
    await expect(producer.sendBatch([large, large])).rejects.toMatchObject({
      code: "TARPAN_KAFKA_MESSAGE_TOO_LARGE",
    });
  });
});

test("a producer that dies: another one of its group is asked", async () => {
  const doomed = clientOf();
  const producerGroup = "survivors";
  const first = await producerOf(
    { producerGroup, executeLocalTransaction: () => new Promise(() => {}), listenerTimeoutMs: 50 },
    doomed,
  );
  const asked: string[] = [];
  const second = await producerOf({
    producerGroup,
    checkLocalTransaction: ({ id }) => {
      asked.push(id);
      return "commit";
    },
  });
  await second.producer.start();
  await first.producer.start();
  const admin = new Admin(client);
  const bothAsked = async () => {
    const { state, members } = await admin.describeGroup(`${producerGroup}.checks`);
    return state === "Stable" && members.length === 2;
  };
  while (!(await bothAsked().catch(() => false))) await new Promise(setImmediate);
  const { id } = await first.producer.send({ topic: first.topic, value: "saved" });
  await doomed.close();
  expect(values(await read(first.topic, 1))).toEqual(["saved"]);
  expect(new Set(asked)).toEqual(new Set([id]));
});

test("close lets a running listener end, and takes no more records", async () => {
  const local = localTransaction();
  const { producer, topic } = await producerOf({ executeLocalTransaction: local.listener });
  const sending = producer.send({ topic, value: "v" });
  await local.called;
  const closed = producer.close();
  const refused = { code: "TARPAN_CLOSED" };
  await expect(producer.send({ topic, value: "no" })).rejects.toMatchObject(refused);
  local.answer("commit");
  await closed;
  expect(await sending).toMatchObject({ outcome: "commit", resolved: true });
  expect(values(await read(topic, 1))).toEqual(["v"]);
});

test("calls for one transaction at the same time run one listener", async () => {
  const reports: string[] = [];
  const calls = new ListenerCalls(30, (what) => void reports.push(what));
  const transaction = { id: "t", records: [], size: 1, check: 1, checksLeft: 1 };
  let listeners = 0;
  let answer = (_outcome: LocalOutcome) => {};
  const listener = () => {
    listeners++;
    return new Promise<LocalOutcome>((resolve) => {
      answer = resolve;
    });
  };
  const late: LocalOutcome[] = [];
  const ask = () => calls.ask("it", listener, transaction, (outcome) => void late.push(outcome));
  const both = [ask(), ask()];
  await Promise.resolve();
  answer("commit");
  expect(await Promise.all(both)).toEqual([
    { outcome: "commit", shared: false },
    { outcome: "commit", shared: true },
  ]);
  // One that hangs: the next call asks anew.
  expect(await ask()).toEqual({ outcome: "unknown", shared: false });
  const lateAnswer = answer;
  const again = ask();
  await Promise.resolve();
  answer("rollback");
  expect(await again).toEqual({ outcome: "rollback", shared: false });
  lateAnswer("commit");
  await new Promise(setImmediate);
  expect([listeners, late, reports]).toEqual([3, ["commit"], ["it of transaction t"]]);
});

test("without half messages in the cluster: refused, and no topic is made for them", async () => {
  const unknown = {
    ...{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: "__half_messages" },
    partitions: [],
  };
  const brokers = await scriptedBrokers(
    1,
    [],
    () => [unknown],
    () => null,
  );
  const { producer } = await producerOf({}, brokers.client);
  const none = { code: "TARPAN_NO_HALF_MESSAGES" };
  await expect(producer.send({ topic: "t", value: "v" })).rejects.toMatchObject(none);
  await expect(producer.start()).rejects.toMatchObject(none);
  await brokers.close();
});

describe("bad input", () => {
  const record = { topic: "t", value: "v" };

  test.each([
    [{ value: null }, {}, "TARPAN_BAD_RECORD", /must not be null/],
    [{ topic: "__delayed" }, {}, "TARPAN_BAD_RECORD", /can't be delivered to __delayed/],
    [{ headers: [{ key: "tarpan-check", value: "1" }] }, {}, "TARPAN_BAD_RECORD", /tarpan-check/],
    [{}, { id: "" }, "TARPAN_BAD_ARGUMENT", /1 to 1024 bytes, not 0/],
    [{}, { id: "x".repeat(65_536) }, "TARPAN_BAD_ARGUMENT", /not 65536/],
  ])("%#", async (change, options, code, message) => {
    const { producer } = await producerOf({ executeLocalTransaction: () => expect.fail("called") });
    const failed = { code, message: expect.stringMatching(message) };
    await expect(producer.send({ ...record, ...change }, options)).rejects.toMatchObject(failed);
    await expect(producer.sendBatch([{ ...record, ...change }], options)).rejects.toMatchObject({
      code,
    });
  });

  test("an empty batch, and an id whose transaction runs", async () => {
    const local = localTransaction();
    const { producer, topic } = await producerOf({ executeLocalTransaction: local.listener });
    const bad = { code: "TARPAN_BAD_ARGUMENT" };
    await expect(producer.sendBatch([])).rejects.toMatchObject(bad);
    const first = producer.send({ topic, value: "v" }, { id: "same" });
    await expect(producer.send({ topic, value: "w" }, { id: "same" })).rejects.toMatchObject(bad);
    await local.called;
    local.answer("rollback");
    expect(await first).toMatchObject({ outcome: "rollback" });
  });

  test.each([
    [{ producerGroup: "a b" }, "producerGroup must be 1 to 242 letters"],
    [{ producerGroup: "x".repeat(243) }, "producerGroup must be 1 to 242 letters"],
    [{ checkLocalTransaction: undefined }, "the option checkLocalTransaction is required"],
    [{ checkConcurrency: 0 }, "checkConcurrency must be a whole number from 1"],
  ])("option %#", (options, message) => {
    const all = {
      ...{ producerGroup: "g", executeLocalTransaction: () => "commit" as const },
      checkLocalTransaction: () => "commit" as const,
    };
    expect(() => new CheckBackProducer(client, { ...all, ...options } as never)).toThrow(
      expect.objectContaining({
        code: "TARPAN_BAD_OPTION",
        message: expect.stringContaining(message),
      }),
    );
  });
});
