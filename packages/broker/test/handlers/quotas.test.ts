import { crc32c } from "@tarpan/codecs";
import {
  AlterClientQuotas,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  ErrorCode,
  encodeBatch,
  Fetch,
  Metadata,
  Produce,
  ZERO_UUID,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { MemoryFiles } from "../env/memory-files.ts";
import { WholeBroker } from "./whole-broker.ts";

const { NONE, POLICY_VIOLATION, THROTTLING_QUOTA_EXCEEDED } = ErrorCode;

async function limit(
  broker: WholeBroker,
  names: Readonly<Record<string, string | null>>,
  values: Readonly<Record<string, number>>,
) {
  const entity = Object.entries(names).map(([entityType, entityName]) => {
    return { entityType, entityName };
  });
  const ops = Object.entries(values).map(([key, value]) => ({ key, value, remove: value === 0 }));
  const request = { entries: [{ entity, ops }], validateOnly: false };
  const { entries } = await broker.call(AlterClientQuotas, 1, request);
  expect(entries[0]!.errorMessage).toBeNull();
}

function produceRequest(bytes: number, acks = -1) {
  const value = new Uint8Array(bytes);
  const records = encodeBatch([{ key: null, value, timestamp: 1 }], { crc32c });
  const partitionData = [{ index: 0, records }];
  const topicData = [{ name: "t", topicId: ZERO_UUID, partitionData }];
  return { transactionalId: null, acks, timeoutMs: 1_000, topicData };
}

async function produce(broker: WholeBroker, bytes: number) {
  const { throttleTimeMs, responses } = await broker.call(Produce, 9, produceRequest(bytes));
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(NONE);
  return throttleTimeMs;
}

function fetchRequest(fetchOffset: number, session: readonly [id: number, epoch: number]) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }];
  return {
    ...{ maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, forgottenTopicsData: [] },
    ...{ topics: [{ topic: "t", partitions }], sessionId: session[0], sessionEpoch: session[1] },
  };
}

it("a producer above its quota is told how long it is muted, and its batch is stored", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  expect(await produce(broker, 1_000_000)).toBe(0);
  await limit(broker, { user: null }, { producer_byte_rate: 10_000 });
  expect(await produce(broker, 50_000)).toBe(0);
  const throttleMs = await produce(broker, 60_000);
  // 110 kB in ten seconds, when 100 are allowed: a second too early.
  expect(throttleMs).toBeGreaterThan(990);
  expect(throttleMs).toBeLessThan(1_050);
  expect(broker.throttles).toEqual([throttleMs]);
  // The quota of the client id comes first, and does not limit this one so much.
  await limit(
    broker,
    { user: "ANONYMOUS", "client-id": "test" },
    { producer_byte_rate: 1_000_000 },
  );
  expect(await produce(broker, 60_000)).toBe(0);
  await limit(broker, { user: "ANONYMOUS", "client-id": "test" }, { producer_byte_rate: 0 });
  await limit(broker, { user: null }, { producer_byte_rate: 0 });
  expect(broker.broker.quotas.active).toBe(false);
  expect(await produce(broker, 1_000_000)).toBe(0);
});

it("with acks=0 nothing is told, and the connection is muted all the same", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  await limit(broker, { "client-id": null }, { producer_byte_rate: 100 });
  expect(await broker.send(Produce, 9, produceRequest(2_000, 0))).toBeNull();
  expect(broker.throttles).toHaveLength(1);
  const stats = broker.broker.quotas.stats.find(({ kind }) => kind === "produce")!;
  expect(stats.throttled).toEqual({ requests: 1, timeMs: broker.throttles[0] });
  expect([...stats.violators]).toMatchObject([{ user: null, clientId: "test", requests: 1 }]);
});

it("a consumer above its quota gets nothing, and later what it asked for", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  for (let i = 0; i < 4; i++) await produce(broker, 40_000);
  await limit(broker, { user: "ANONYMOUS" }, { consumer_byte_rate: 5_000 });
  // One fetch is cut to what the window allows.
  const first = await broker.call(Fetch, 12, fetchRequest(0, [0, 0]));
  const bytes = (answer: typeof first) =>
    answer.responses.flatMap(({ partitions }) => partitions.map((p) => p.records?.length ?? 0));
  expect(first.throttleTimeMs).toBe(0);
  expect(bytes(first)[0]).toBeGreaterThan(40_000);
  expect(bytes(first)[0]).toBeLessThanOrEqual(50_000);
  const session = first.sessionId;
  const second = await broker.call(Fetch, 12, fetchRequest(1, [session, 1]));
  expect(second).toMatchObject({ responses: [], sessionId: session, errorCode: NONE });
  expect(broker.throttles).toEqual([second.throttleTimeMs]);
  expect(second.throttleTimeMs).toBeGreaterThan(1_000);
  // A session that would be new is not opened.
  const fresh = await broker.call(Fetch, 12, fetchRequest(1, [0, 0]));
  expect(fresh).toMatchObject({ responses: [], sessionId: 0, errorCode: NONE });
  expect(broker.broker.fetchSessions.count).toBe(1);
  // As in Kafka, only whole samples are forgotten: the client may be told to wait again.
  await broker.time.advance(11_000);
  const third = await broker.call(Fetch, 12, fetchRequest(1, [session, 2]));
  expect(third.throttleTimeMs).toBe(0);
  expect(bytes(third)[0]).toBeGreaterThan(40_000);
});

it("a batch that is larger than the quota's whole window can be read", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  await produce(broker, 40_000);
  await limit(broker, { user: null }, { consumer_byte_rate: 1_000 });
  const { throttleTimeMs, responses } = await broker.call(Fetch, 12, fetchRequest(0, [0, -1]));
  expect(responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(40_000);
  expect(broker.throttles).toEqual([throttleTimeMs]);
  expect(throttleTimeMs).toBeGreaterThan(29_000);
});

const topic = (name: string, numPartitions: number) => {
  return { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
};

it("partitions above controller_mutation_rate are refused, and old clients are muted", async () => {
  const broker = await WholeBroker.start();
  // Eleven seconds of one each may be used at once.
  await limit(broker, { user: "ANONYMOUS" }, { controller_mutation_rate: 1 });
  const create = (names: Record<string, number>, version: number) => {
    const topics = Object.entries(names).map(([name, count]) => topic(name, count));
    return broker.call(CreateTopics, version, { topics, timeoutMs: 1_000, validateOnly: false });
  };
  const strict = await create({ a: 6, b: 7, c: 1 }, 6);
  expect(strict.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["a", NONE],
    ["b", NONE],
    ["c", THROTTLING_QUOTA_EXCEEDED],
  ]);
  expect(strict.throttleTimeMs).toBe(2_000);
  const old = await create({ d: 1 }, 5);
  expect([old.topics[0]!.errorCode, old.throttleTimeMs]).toEqual([NONE, 3_000]);
  const grown = await broker.call(CreatePartitions, 3, {
    ...{ topics: [{ name: "d", count: 2, assignments: null }] },
    ...{ timeoutMs: 1_000, validateOnly: false },
  });
  expect(grown.results[0]!.errorCode).toBe(THROTTLING_QUOTA_EXCEEDED);
  const named = { topics: [{ name: "a", topicId: ZERO_UUID }], topicNames: [], timeoutMs: 1_000 };
  const deleted = await broker.call(DeleteTopics, 6, named);
  expect(deleted.responses[0]!.errorCode).toBe(THROTTLING_QUOTA_EXCEEDED);
  expect(broker.throttles).toEqual([2_000, 3_000, 3_000, 3_000]);
  // A topic that is created on the way is never refused.
  const request = { topics: [{ name: "e", topicId: ZERO_UUID }], allowAutoTopicCreation: true };
  const { topics, throttleTimeMs } = await broker.call(Metadata, 12, request);
  expect([topics[0]!.errorCode, throttleTimeMs]).toEqual([NONE, 4_000]);
  await broker.time.advance(4_000);
  expect((await broker.call(DeleteTopics, 6, named)).responses[0]!.errorCode).toBe(NONE);
});

it("partitions that no request may create are not counted", async () => {
  const broker = await WholeBroker.start();
  await limit(broker, { user: "ANONYMOUS" }, { controller_mutation_rate: 1 });
  const create = async (name: string, partitions: number) => {
    const topics = [topic(name, partitions)];
    const request = { topics, timeoutMs: 1_000, validateOnly: false };
    return (await broker.call(CreateTopics, 7, request)).topics[0]!.errorCode;
  };
  expect(await create("large", 2 ** 31 - 1)).toBe(POLICY_VIOLATION);
  expect(await create("small", 1)).toBe(NONE);
  const topics = [{ name: "small", count: 2 ** 31 - 1, assignments: null }];
  const request = { topics, timeoutMs: 1_000, validateOnly: false };
  const grown = await broker.call(CreatePartitions, 3, request);
  expect(grown.results[0]!.errorCode).not.toBe(NONE);
  expect(await create("next", 1)).toBe(NONE);
  expect(broker.throttles).toEqual([]);
});

it("an infinite quota limits nothing, and takes a user out of the limit of all users", async () => {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  const values = { controller_mutation_rate: 1, request_percentage: 1, producer_byte_rate: 1 };
  await limit(broker, { user: null }, values);
  const infinite = { controller_mutation_rate: Infinity, request_percentage: Infinity };
  await limit(broker, { user: "ANONYMOUS" }, infinite);
  for (const name of ["a", "b", "c"]) {
    const topics = [topic(name, 100)];
    const request = { topics, timeoutMs: 1_000, validateOnly: false };
    const created = await broker.call(CreateTopics, 7, request);
    expect([created.topics[0]!.errorCode, created.throttleTimeMs]).toEqual([NONE, 0]);
  }
  // The others are not touched by it.
  expect(await produce(broker, 2_000)).toBeGreaterThan(0);
});

it("quotas survive a restart, and limit at once", async () => {
  const files = new MemoryFiles();
  const first = await WholeBroker.startWith({ files });
  await first.createTopic("t");
  await limit(first, { user: null }, { producer_byte_rate: 100 });
  await first.stop();
  const second = await WholeBroker.startWith({ files });
  expect(await produce(second, 2_000)).toBeGreaterThan(0);
});
