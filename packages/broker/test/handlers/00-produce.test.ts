import { ErrorCode, Fetch, Produce, readBatchHeader, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { topicIdOf } from "../metadata/cluster.ts";
import { batchOf, producerBatch } from "../partition/batches.ts";
import { brokerThatDoesNotLead } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

async function brokerWithTopic(configs: Record<string, string> = {}) {
  const broker = await WholeBroker.start();
  const topicId = await broker.createTopic("t", 2, configs);
  return { broker, topicId };
}

describe("Produce", () => {
  it.each([3, 5, 8, 9, 12])("appends at version %i", async (version) => {
    const { broker } = await brokerWithTopic();
    const first = await broker.produce("t", batchOf(2), { version });
    expect(first).toMatchObject({ index: 0, errorCode: 0, baseOffset: 0, logAppendTimeMs: -1 });
    const second = await broker.produce("t", batchOf(1), { version });
    expect(second.baseOffset).toBe(2);
  });

  it("names topics by id from version 13 on", async () => {
    const { broker, topicId } = await brokerWithTopic();
    const known = await broker.produce("", batchOf(1), { version: 13, topicId });
    expect(known.errorCode).toBe(0);
    const unknown = await broker.produce("", batchOf(1), {
      version: 13,
      topicId: "11111111-2222-3333-4444-555555555555",
    });
    expect(unknown.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  });

  it("refuses what it can't store, with Kafka's codes", async () => {
    const { broker } = await brokerWithTopic({ "max.message.bytes": "200" });
    const code = async (name: string, records: Uint8Array | null, options = {}) =>
      (await broker.produce(name, records, options)).errorCode;
    expect(await code("nosuch", batchOf(1))).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await code("t", batchOf(1), { partition: 9 })).toBe(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    );
    expect(await code("__consumer_offsets", batchOf(1))).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(await code("t", batchOf(1), { acks: 2 })).toBe(ErrorCode.INVALID_REQUIRED_ACKS);
    expect(await code("t", null)).toBe(ErrorCode.INVALID_RECORD);
    expect(await code("t", batchOf(30))).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    const damaged = batchOf(1);
    damaged[damaged.length - 1]! ^= 1;
    expect(await code("t", damaged)).toBe(ErrorCode.CORRUPT_MESSAGE);
    const transactional = batchOf(1, {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      transactional: true,
    });
    expect(await code("t", transactional)).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(await code("t", batchOf(1))).toBe(0);
  });

  it("closes the connection when a batch sent with acks=0 is refused", async () => {
    const { broker } = await brokerWithTopic();
    const request = (name: string) => ({
      transactionalId: null,
      acks: 0,
      timeoutMs: 1_000,
      topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index: 0, records: batchOf(1) }] }],
    });
    expect(await broker.send(Produce, 9, request("t"))).toBeNull();
    await expect(broker.send(Produce, 9, request("nosuch"))).rejects.toThrow("acks=0");
  });

  it("refuses acks=all, and only that, while too few replicas are in sync", async () => {
    const { broker } = await brokerWithTopic({ "min.insync.replicas": "2" });
    const produce = async (acks: number) => {
      const topicData = [
        { name: "t", topicId: ZERO_UUID, partitionData: [{ index: 0, records: batchOf(1) }] },
      ];
      const answer = await broker.call(Produce, 9, { acks, timeoutMs: 1_000, topicData });
      return answer.responses[0]!.partitionResponses[0]!;
    };
    const refused = { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, baseOffset: -1 };
    expect(await produce(-1)).toMatchObject(refused);
    expect(await produce(1)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
  });

  it("keeps the order of requests that run together", async () => {
    const { broker } = await brokerWithTopic();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, sequence) => broker.produce("t", producerBatch(sequence))),
    );
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([...Array(20).keys()]);
    expect(answers.every(({ errorCode }) => errorCode === 0)).toBe(true);
  });

  it("stamps its own clock where the topic wants it", async () => {
    const { broker } = await brokerWithTopic({ "message.timestamp.type": "LogAppendTime" });
    const { logAppendTimeMs } = await broker.produce("t", batchOf(1));
    expect(logAppendTimeMs).toBe(broker.time.wallMs());
    expect(await storedHeader(broker)).toMatchObject({
      timestampType: "LogAppendTime",
      maxTimestamp: broker.time.wallMs(),
    });
  });

  it("compresses where the topic wants it", async () => {
    const { broker } = await brokerWithTopic({ "compression.type": "gzip" });
    expect((await broker.produce("t", batchOf(20))).errorCode).toBe(0);
    expect(await storedHeader(broker)).toMatchObject({ compression: 1, recordCount: 20 });
  });
});

async function storedHeader(broker: WholeBroker) {
  const { responses } = await broker.call(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [
      {
        topic: "t",
        topicId: ZERO_UUID,
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
      },
    ],
    forgottenTopicsData: [],
  });
  return readBatchHeader(responses[0]!.partitions[0]!.records!);
}

it("Produce sends a client to the leader, with its address, from version 10 on (KIP-951)", async () => {
  const broker = await brokerThatDoesNotLead();
  const produce = (version: number) => {
    const partitionData = [0, 1].map((index) => ({ index, records: batchOf(1) }));
    const topicData = [{ name: "t", topicId: topicIdOf("t"), partitionData }];
    return broker.call(Produce, version, { acks: -1, timeoutMs: 1_000, topicData });
  };
  const errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER;
  const old = await produce(9);
  expect(old.responses[0]!.partitionResponses).toMatchObject([{ errorCode }, { errorCode }]);
  for (const version of [10, 13]) {
    const { responses, nodeEndpoints } = await produce(version);
    expect(responses[0]!.partitionResponses).toMatchObject([
      { errorCode, currentLeader: { leaderId: 2, leaderEpoch: 1 } },
      { errorCode, currentLeader: { leaderId: 3, leaderEpoch: 0 } },
    ]);
    expect(nodeEndpoints).toEqual([{ nodeId: 2, host: "host-2", port: 9092, rack: null }]);
  }
});
