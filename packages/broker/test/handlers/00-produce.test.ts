import { compress, decompress } from "@tarpan/codecs";
import {
  crc32c,
  DeleteRecords,
  decodeBatches,
  ErrorCode,
  encodeBatch,
  Fetch,
  Produce,
  readBatchHeader,
  stampCrc,
  ZERO_UUID,
} from "@tarpan/protocol";
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

  it("leaves out records whose message id is known, where the topic says so", async () => {
    const broker = await WholeBroker.start({ "tarpan.dedupe.ttl.ms": "5000" });
    await broker.createTopic("on", 1, { "tarpan.dedupe.enable": "true" });
    await broker.createTopic("off");
    const send = async (topic: string, id: string | null, fields = {}) => {
      const headers = [{ key: "tarpan-message-id", value: id === null ? null : Buffer.from(id) }];
      const record = { key: null, value: null, timestamp: broker.time.wallMs(), headers };
      return broker.produce(topic, encodeBatch([record, record], { compress, ...fields }));
    };
    expect(await send("on", "a")).toMatchObject({ errorCode: 0, baseOffset: 0, recordErrors: [] });
    expect(await send("on", "a", { compression: 1 })).toMatchObject({
      errorCode: 0,
      baseOffset: -1,
    });
    expect(await send("on", "b")).toMatchObject({ errorCode: 0, baseOffset: 2 });
    for (const id of ["", null, "i".repeat(1025)]) {
      const { errorCode, recordErrors, errorMessage } = await send("on", id);
      expect([errorCode, recordErrors.length]).toEqual([ErrorCode.INVALID_RECORD, 2]);
      expect(errorMessage).toMatch(
        /record 0 of 2: its tarpan-message-id must have 1 to 1024 bytes/,
      );
    }
    expect(await send("off", "")).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await send("off", "")).toMatchObject({ errorCode: 0, baseOffset: 2 });
    broker.time.advance(5_000);
    expect(await send("on", "a")).toMatchObject({ errorCode: 0, baseOffset: 4 });
  });

  it("refuses invalid batches and unknown partitions with Kafka's error codes", async () => {
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
    const nameless = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    expect(await code("t", transactional)).toBe(nameless);
    expect(await code("t", batchOf(1))).toBe(0);
  });

  it("names the reason and partition of an error, and the log start offset as Kafka", async () => {
    const { broker } = await brokerWithTopic({ "cleanup.policy": "compact,delete" });
    const keyed = [1, 2].map((id) => ({ key: Uint8Array.of(id), value: null, timestamp: 1 }));
    await broker.produce("t", encodeBatch(keyed));
    const partitions = [{ partitionIndex: 0, offset: 1 }];
    await broker.call(DeleteRecords, 2, { topics: [{ name: "t", partitions }], timeoutMs: 1 });

    const keyless = await broker.produce("t", batchOf(2));
    expect(keyless).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD, logStartOffset: 1 });
    expect(keyless.errorMessage).toMatch(/^record 0 of 2: it has no key.*1 more.*partition t-0/);
    expect(keyless.recordErrors).toEqual([
      { batchIndex: 0, batchIndexErrorMessage: expect.stringMatching(/no key.*partition t-0/) },
      { batchIndex: 1, batchIndexErrorMessage: expect.stringMatching(/no key.*partition t-0/) },
    ]);
    const bad = encodeBatch([{ key: null, value: null, timestamp: 1 }]);
    bad[20]! ^= 1;
    const corrupt = await broker.produce("t", bad);
    expect(corrupt).toMatchObject({ errorCode: ErrorCode.CORRUPT_MESSAGE, logStartOffset: -1 });
    expect(corrupt.errorMessage).toContain("CRC does not match (partition t-0)");
    const nowhere = await broker.produce("t", batchOf(1), { partition: 7 });
    expect(nowhere.errorMessage).toContain("(partition t-7)");
    const { errorMessage } = await broker.produce("t", batchOf(1), { acks: 3 });
    expect(errorMessage).toContain("acks");
  });

  it("stores a batch without the bytes that follow it", async () => {
    const { broker } = await brokerWithTopic();
    const followed = new Uint8Array(Buffer.concat([batchOf(2), Uint8Array.of(1, 2, 3)]));
    expect(await broker.produce("t", followed)).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await broker.produce("t", batchOf(1))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await storedRecords(broker)).toHaveLength(3);
  });

  it("stores records from before 1970", async () => {
    const { broker } = await brokerWithTopic();
    const times = [1, -1000, -86_400_000, 2];
    const records = times.map((timestamp) => ({ key: null, value: null, timestamp }));
    expect((await broker.produce("t", encodeBatch(records))).errorCode).toBe(0);
    expect((await storedRecords(broker)).map(({ timestamp }) => timestamp)).toEqual(times);
    expect((await broker.produce("t", encodeBatch(records.slice(1, 3)))).errorCode).toBe(0);
    expect(await storedHeader(broker, 4)).toMatchObject({ maxTimestamp: -1, baseTimestamp: -1000 });
  });

  it.each([0, 1, 4])("assigns offset deltas to records without them, codec %i", async (codec) => {
    const { broker } = await brokerWithTopic();
    const records = [1, 2, 3].map((id) => ({
      key: Uint8Array.of(id),
      value: null,
      timestamp: 1_000 + id,
      offsetDelta: id === 3 ? 2 : 0,
    }));
    await broker.produce("t", batchOf(1));
    const batch = encodeBatch(records, { compression: codec, compress });
    expect(await broker.produce("t", batch)).toMatchObject({ errorCode: 0, baseOffset: 1 });
    const stored = await storedRecords(broker, 1);
    expect(stored.map(({ offset }) => offset)).toEqual([1, 2, 3]);
    expect(stored.map(({ key }) => key![0])).toEqual([1, 2, 3]);
    expect(await storedHeader(broker, 1)).toMatchObject({ compression: codec, recordCount: 3 });
  });

  it("overwrites the timestamp fields that only a broker may set", async () => {
    const { broker } = await brokerWithTopic();
    const batch = batchOf(2);
    const view = new DataView(batch.buffer);
    view.setInt16(21, 0x48);
    view.setBigInt64(35, 5n);
    stampCrc(batch, 0, crc32c);
    expect((await broker.produce("t", batch)).errorCode).toBe(0);
    expect(await storedHeader(broker)).toMatchObject({
      timestampType: "CreateTime",
      hasDeleteHorizon: false,
      maxTimestamp: 1_001,
    });
    expect((await storedRecords(broker)).map(({ timestamp }) => timestamp)).toEqual([1000, 1001]);
  });

  it("accepts batches without a producer epoch until the producer has one", async () => {
    const { broker } = await brokerWithTopic();
    const code = async (sequence: number, producerEpoch: number) =>
      (await broker.produce("t", producerBatch(sequence, { producerEpoch }))).errorCode;
    expect(await code(5, -1)).toBe(0);
    expect(await code(9, -1)).toBe(0);
    expect(await code(3, 0)).toBe(0);
    expect(await code(4, -1)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(await code(4, -2)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  });

  it("refuses a batch that is too large in the topic's compression", async () => {
    const configs = { "compression.type": "uncompressed", "max.message.bytes": "1000" };
    const { broker } = await brokerWithTopic(configs);
    const batch = batchOf(100, { compression: 1, compress });
    expect(batch.length).toBeLessThan(1000);
    expect((await broker.produce("t", batch)).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
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

  it("refuses only acks=all while too few replicas are in sync", async () => {
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

  it("stamps the append time in a topic with LogAppendTime", async () => {
    const { broker } = await brokerWithTopic({ "message.timestamp.type": "LogAppendTime" });
    const { logAppendTimeMs } = await broker.produce("t", batchOf(1));
    expect(logAppendTimeMs).toBe(broker.time.wallMs());
    expect(await storedHeader(broker)).toMatchObject({
      timestampType: "LogAppendTime",
      maxTimestamp: broker.time.wallMs(),
    });
  });

  it("compresses batches with the topic's compression.type", async () => {
    const { broker } = await brokerWithTopic({ "compression.type": "gzip" });
    expect((await broker.produce("t", batchOf(20))).errorCode).toBe(0);
    expect(await storedHeader(broker)).toMatchObject({ compression: 1, recordCount: 20 });
  });
});

async function storedHeader(broker: WholeBroker, offset = 0) {
  return readBatchHeader(await stored(broker, offset));
}

async function storedRecords(broker: WholeBroker, offset = 0) {
  const batches = decodeBatches(await stored(broker, offset), { decompress, crc32c });
  return [...batches].flatMap((batch) => [...batch.records()]);
}

async function stored(broker: WholeBroker, fetchOffset: number) {
  const { responses } = await broker.call(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [
      {
        topic: "t",
        topicId: ZERO_UUID,
        partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }],
      },
    ],
    forgottenTopicsData: [],
  });
  return responses[0]!.partitions[0]!.records!;
}

it("Produce names the leader and its endpoint, from version 10 on (KIP-951)", async () => {
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
