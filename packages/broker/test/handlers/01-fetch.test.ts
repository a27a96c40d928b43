import { ErrorCode, Fetch, type RequestInput, readBatchHeader, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { LogError } from "../../src/log/log-error.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { deleteTopics } from "../metadata/ask.ts";
import { topicIdOf } from "../metadata/cluster.ts";
import { batchOf } from "../partition/batches.ts";
import { brokerThatDoesNotLead } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

type Request = RequestInput<typeof Fetch>;

function request(fetchOffset: number, more: Partial<Request> = {}, partition = {}): Request {
  const wanted = { partition: 0, fetchOffset, partitionMaxBytes: 1 << 20, ...partition };
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: "t", topicId: ZERO_UUID, partitions: [wanted] }],
    forgottenTopicsData: [],
    ...more,
  };
}

async function brokerWithRecords(count = 3) {
  const broker = await WholeBroker.start();
  const topicId = await broker.createTopic("t", 2);
  if (count > 0) await broker.produceRecords("t", count);
  return { broker, topicId };
}

const onlyPartition = async (broker: WholeBroker, version: number, asked: Request) =>
  (await broker.call(Fetch, version, asked)).responses[0]!.partitions[0]!;

describe("Fetch", () => {
  it.each([4, 7, 11, 12])("reads whole batches at version %i", async (version) => {
    const { broker } = await brokerWithRecords();
    const read = await onlyPartition(broker, version, request(1));
    expect(read).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3 });
    expect(readBatchHeader(read.records!)).toMatchObject({ baseOffset: 0, recordCount: 3 });
  });

  it("reads by topic id from version 13 on", async () => {
    const { broker, topicId } = await brokerWithRecords();
    const by = (id: string) => {
      const { topics, ...rest } = request(0);
      return { ...rest, topics: [{ ...topics[0]!, topicId: id }] };
    };
    expect((await onlyPartition(broker, 17, by(topicId))).records!.length).toBeGreaterThan(61);
    const unknown = await onlyPartition(broker, 17, by("11111111-2222-3333-4444-555555555555"));
    expect(unknown.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  });

  it.each([-1n, 0n, 3n])("serves a client that knows the high watermark %d", async (known) => {
    const { broker, topicId } = await brokerWithRecords();
    const { topics, ...rest } = request(3, {}, { highWatermark: known });
    const asked = { ...rest, topics: [{ ...topics[0]!, topicId }] };
    const read = await onlyPartition(broker, 18, asked);
    expect(read).toMatchObject({ errorCode: 0, highWatermark: 3 });
    expect(read.records ?? []).toHaveLength(0);
  });

  it("reads again only when min_bytes have been appended", async () => {
    const { broker } = await brokerWithRecords(0);
    const partition = broker.broker.partitions.find("t", 0) as Partition;
    let reads = 0;
    const read = partition.log.read.bind(partition.log);
    partition.log.read = (...wanted) => {
      reads += 1;
      return read(...wanted);
    };
    const bytes = batchOf(1).byteLength;
    const asked = request(0, { maxWaitMs: 10_000, minBytes: 5 * bytes });
    const answer = onlyPartition(broker, 12, asked);
    for (let i = 0; i < 5; i++) {
      expect(reads).toBe(0);
      await broker.produceRecords("t", 1);
    }
    expect((await answer).records!.length).toBeGreaterThanOrEqual(5 * bytes);
    expect(reads).toBe(1);
  });

  it("answers invalid offsets and epochs with Kafka's error codes", async () => {
    const { broker } = await brokerWithRecords();
    const code = async (offset: number, partition = {}) =>
      (await onlyPartition(broker, 12, request(offset, {}, partition))).errorCode;
    expect(await code(3)).toBe(0);
    expect(await code(4)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(await code(-1)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(await code(0, { currentLeaderEpoch: 7 })).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect(await code(0, { partition: 5 })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    broker.broker.partitions.host([
      {
        ...[...broker.broker.partitions.all()][0]!.hosted,
        leaderEpoch: 3,
      },
    ]);
    expect(await code(0, { currentLeaderEpoch: 0 })).toBe(ErrorCode.FENCED_LEADER_EPOCH);
  });

  it("tells where a damaged range ends, in versions with tagged fields", async () => {
    const { broker } = await brokerWithRecords();
    const { log } = broker.broker.partitions.find("t", 0) as Partition;
    const damaged = new LogError("corrupt", "offsets 0 to 6 are damaged", { resumeOffset: 7 });
    log.read = () => Promise.reject(damaged);
    const corrupt = { errorCode: ErrorCode.CORRUPT_MESSAGE, highWatermark: -1 };
    expect(await onlyPartition(broker, 11, request(0))).toMatchObject({
      ...corrupt,
      resumeOffset: -1,
    });
    expect(await onlyPartition(broker, 12, request(0))).toMatchObject({
      ...corrupt,
      resumeOffset: 7,
    });
  });

  it("returns at least one batch, and further ones only within the limits", async () => {
    const { broker } = await brokerWithRecords();
    await broker.produceRecords("t", 1);
    const read = await onlyPartition(broker, 12, request(0, {}, { partitionMaxBytes: 1 }));
    expect(readBatchHeader(read.records!).sizeBytes).toBe(read.records!.length);
    const bytes = read.records!.length;
    const first = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 };
    const second = { partition: 1, fetchOffset: 0, partitionMaxBytes: 1 << 20 };
    await broker.produce("t", batchOf(5), { partition: 1 });
    const topics = [{ topic: "t", topicId: ZERO_UUID, partitions: [first, second] }];
    const { responses } = await broker.call(Fetch, 12, request(0, { topics, maxBytes: bytes }));
    expect(responses[0]!.partitions.map(({ records }) => records!.length)).toEqual([bytes, 0]);
  });

  it("waits for data and answers when there is some", async () => {
    const { broker } = await brokerWithRecords(0);
    const waiting = onlyPartition(broker, 12, request(0, { maxWaitMs: 60_000 }));
    await broker.produceRecords("t", 2);
    expect((await waiting).highWatermark).toBe(2);
    expect(broker.requestTimers).toBe(0);
  });

  it("answers after max_wait when there is no data", async () => {
    const { broker } = await brokerWithRecords(0);
    const waiting = onlyPartition(broker, 12, request(0, { maxWaitMs: 500 }));
    await untilWaiting(broker);
    broker.time.advance(499);
    expect(broker.requestTimers).toBe(1);
    broker.time.advance(1);
    expect(await waiting).toMatchObject({ errorCode: 0, highWatermark: 0 });
  });

  it("keeps waiting while there is less than min_bytes", async () => {
    const { broker } = await brokerWithRecords(0);
    const more = { maxWaitMs: 500, minBytes: 200 };
    const waiting = onlyPartition(broker, 12, request(0, more));
    await broker.produceRecords("t", 1);
    await untilWaiting(broker);
    await broker.produceRecords("t", 10);
    expect((await waiting).highWatermark).toBe(11);
  });

  it("does not wait for more bytes than it may send", async () => {
    const { broker } = await brokerWithRecords();
    const [batch] = await broker.broker.partitions.all().next().value!.partition!.log.read(0, 1);
    const more = { maxWaitMs: 60_000, minBytes: 1 << 20, maxBytes: batch!.length };
    expect((await onlyPartition(broker, 12, request(0, more))).records).toHaveLength(batch!.length);
  });

  it("waits although some partitions are unknown, but answers at once if all are", async () => {
    const { broker } = await brokerWithRecords(0);
    const partitions = [0, 9].map((partition) => {
      return { partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 };
    });
    const topic = { topic: "t", topicId: ZERO_UUID };
    const asked = (from: number) => ({
      ...request(0, { maxWaitMs: 60_000 }),
      topics: [
        { ...topic, partitions: partitions.slice(from) },
        { ...topic, topic: "nosuch", partitions },
      ],
    });
    const beside = broker.call(Fetch, 12, asked(0));
    await untilWaiting(broker);
    await broker.produceRecords("t", 1);
    const codes = ({ responses }: Awaited<typeof beside>) =>
      responses.flatMap((one) => one.partitions.map(({ errorCode }) => errorCode));
    const { UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    expect(codes(await beside)).toEqual([0, ...Array(3).fill(UNKNOWN_TOPIC_OR_PARTITION)]);
    const alone = await broker.call(Fetch, 12, asked(1));
    expect(codes(alone)).toEqual(Array(3).fill(UNKNOWN_TOPIC_OR_PARTITION));
  });

  it("ends a wait when the client disconnects or the topic is deleted", async () => {
    const { broker } = await brokerWithRecords(0);
    const deleted = onlyPartition(broker, 12, request(0, { maxWaitMs: 60_000 }));
    await untilWaiting(broker);
    const { metadata } = broker.broker;
    await deleteTopics(metadata, [{ name: "t", id: null }]);
    expect((await deleted).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    await broker.createTopic("t");
    const abandoned = onlyPartition(broker, 12, request(0, { maxWaitMs: 60_000 }));
    await untilWaiting(broker);
    broker.disconnect();
    expect((await abandoned).errorCode).toBe(0);
  });

  it("returns only changed partitions in a session", async () => {
    const { broker } = await brokerWithRecords();
    const partitions = [0, 1].map((partition) => ({
      partition,
      fetchOffset: partition === 0 ? 3 : 0,
      partitionMaxBytes: 1 << 20,
    }));
    const topics = [{ topic: "t", topicId: ZERO_UUID, partitions }];
    const opened = await broker.call(Fetch, 12, request(0, { sessionEpoch: 0, topics }));
    expect(opened.responses[0]!.partitions).toHaveLength(2);
    const { sessionId } = opened;
    const next = (sessionEpoch: number) =>
      broker.call(Fetch, 12, request(0, { sessionId, sessionEpoch, topics: [] }));
    expect((await next(1)).responses).toEqual([]);
    await broker.produce("t", batchOf(1), { partition: 1 });
    const changed = await next(2);
    expect(changed.responses[0]!.partitions.map((p) => p.partitionIndex)).toEqual([1]);
    expect((await next(2)).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  });

  it("tells a consumer that its log has diverged", async () => {
    const { broker } = await brokerWithRecords();
    const { hosted } = [...broker.broker.partitions.all()][0]!;
    broker.broker.partitions.host([{ ...hosted, leaderEpoch: 2 }]);
    const read = (offset: number, lastFetchedEpoch: number) =>
      onlyPartition(broker, 12, request(offset, {}, { lastFetchedEpoch }));
    const diverging = await read(3, 1);
    expect(diverging).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0 } });
    expect(diverging.records).toHaveLength(0);
    expect((await read(3, 9)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect((await read(2 ** 40, 0)).divergingEpoch.epoch).toBe(0);
  });
});

/** Resolves when the fetch has found no data and armed its timer. */
async function untilWaiting(broker: WholeBroker): Promise<void> {
  while (broker.requestTimers < 1) await new Promise((resolve) => setImmediate(resolve));
}

it("Fetch names the leader and its endpoint, from version 16 on (KIP-951)", async () => {
  const broker = await brokerThatDoesNotLead();
  const fetchT = (version: number, partition: number) => {
    const wanted = { partition, fetchOffset: 0, partitionMaxBytes: 1 };
    const topics = [{ topic: "t", topicId: topicIdOf("t"), partitions: [wanted] }];
    return broker.call(Fetch, version, { ...request(0), topics });
  };
  const errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER;
  const nobody = { leaderId: -1, leaderEpoch: -1 };
  const old = await fetchT(15, 0);
  expect(old.responses[0]!.partitions[0]).toMatchObject({ errorCode, currentLeader: nobody });
  const answer = await fetchT(16, 0);
  const leader = { leaderId: 2, leaderEpoch: 1 };
  expect(answer.responses[0]!.partitions[0]).toMatchObject({ errorCode, currentLeader: leader });
  expect(answer.nodeEndpoints).toEqual([{ nodeId: 2, host: "host-2", port: 9092, rack: null }]);
  const down = await fetchT(17, 1);
  const last = { leaderId: 3, leaderEpoch: 0 };
  expect(down.responses[0]!.partitions[0]).toMatchObject({ errorCode, currentLeader: last });
  expect(down.nodeEndpoints).toEqual([]);
});

it("Fetch names the leader to a client with an old leader epoch", async () => {
  const broker = await WholeBroker.start();
  const topicId = await broker.createTopic("t");
  await broker.metadata.registerBroker({ host: "h", port: 1, unclean: true });
  const partitions = [
    { partition: 0, fetchOffset: 0, partitionMaxBytes: 1, currentLeaderEpoch: 0 },
  ];
  const topics = [{ topic: "t", topicId, partitions }];
  const answer = await broker.call(Fetch, 16, { ...request(0), topics });
  const errorCode = ErrorCode.FENCED_LEADER_EPOCH;
  const currentLeader = { leaderId: 1, leaderEpoch: 1 };
  expect(answer.responses[0]!.partitions[0]).toMatchObject({ errorCode, currentLeader });
  expect(answer.nodeEndpoints).toMatchObject([{ nodeId: 1, port: 19092 }]);
});
