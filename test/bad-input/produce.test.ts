import { compress } from "@tarpan/codecs";
import {
  type BatchFields,
  crc32c,
  ErrorCode,
  encodeBatch,
  encodeRequest,
  InitProducerId,
  Produce,
  stampCrc,
} from "@tarpan/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, produce, readAll, textBatch, textRecord } from "../harness/records.ts";
import { within } from "../harness/within.ts";

const broker = useBroker();
let connection: RawConnection;

beforeAll(async () => {
  connection = await RawConnection.open(broker.port);
  await createTopic(connection, "plain");
  await createTopic(connection, "compacted", { configs: { "cleanup.policy": "compact" } });
  const timestamps = { "message.timestamp.before.max.ms": "1000" };
  await createTopic(connection, "punctual", { configs: timestamps });
  await createTopic(connection, "small", { configs: { "max.message.bytes": "1000" } });
});

afterAll(() => connection.close());

// The positions of the batch fields that the cases below change.
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const LAST_OFFSET_DELTA_AT = 23;
const COUNT_AT = 57;
const RECORDS_AT = 61;

/** A batch of two records, changed by `change`, with a correct CRC. */
function changed(change: (batch: DataView) => void): Uint8Array {
  const batch = textBatch("one", "two");
  change(new DataView(batch.buffer, batch.byteOffset));
  stampCrc(batch, 0, crc32c);
  return batch;
}

const joined = (...batches: Uint8Array[]) => new Uint8Array(Buffer.concat(batches));
const { INVALID_RECORD, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE } = ErrorCode;

const REFUSED: readonly [what: string, batch: Uint8Array | null, code: number][] = [
  ["no batch", null, INVALID_RECORD],
  ["an empty batch", new Uint8Array(0), INVALID_RECORD],
  ["two batches", joined(textBatch("one"), textBatch("two")), INVALID_RECORD],
  ["magic 1", changed((batch) => batch.setInt8(MAGIC_AT, 1)), INVALID_RECORD],
  ["magic 3", changed((batch) => batch.setInt8(MAGIC_AT, 3)), INVALID_RECORD],
  ["a length too small", changed((batch) => batch.setInt32(LENGTH_AT, 10)), CORRUPT_MESSAGE],
  ["a length too large", changed((batch) => batch.setInt32(LENGTH_AT, 9999)), CORRUPT_MESSAGE],
  ["a negative length", changed((batch) => batch.setInt32(LENGTH_AT, -1)), CORRUPT_MESSAGE],
  ["a count too high", changed((batch) => batch.setInt32(COUNT_AT, 3)), INVALID_RECORD],
  ["a count too low", changed((batch) => batch.setInt32(COUNT_AT, 1)), INVALID_RECORD],
  ["a negative count", changed((batch) => batch.setInt32(COUNT_AT, -1)), INVALID_RECORD],
  ["a last delta too high", changed((b) => b.setInt32(LAST_OFFSET_DELTA_AT, 9)), INVALID_RECORD],
  ["a wrong record length", changed((b) => b.setInt8(RECORDS_AT, 0x7e)), INVALID_RECORD],
  ["a control batch", encodeBatch([textRecord("x")], { control: true }), INVALID_RECORD],
];

for (const [what, batch, code] of REFUSED) {
  it(`answers ${what} with ${code}`, async () => {
    expect((await produce(connection, "plain", batch)).errorCode).toBe(code);
    expect((await readAll(connection, "plain")).records).toEqual([]);
  });
}

it("ignores bytes after a batch", async () => {
  await createTopic(connection, "followed");
  const batch = joined(textBatch("one"), new Uint8Array(5));
  expect(await produce(connection, "followed", batch)).toMatchObject({ errorCode: 0 });
  expect((await readAll(connection, "followed")).records).toHaveLength(1);
});

it("answers a bad CRC with 2", async () => {
  const batch = textBatch("one");
  batch[CRC_AT] = batch[CRC_AT]! ^ 1;
  expect((await produce(connection, "plain", batch)).errorCode).toBe(CORRUPT_MESSAGE);
});

it("answers a batch over max.message.bytes with 10", async () => {
  const { errorCode } = await produce(connection, "small", textBatch("x".repeat(2000)));
  expect(errorCode).toBe(MESSAGE_TOO_LARGE);
});

it("answers a batch that decompresses beyond the limit with 10, in bounded memory", async () => {
  const zeros = { ...textRecord(""), value: new Uint8Array(200_000_000) };
  for (const compression of [1, 4]) {
    const before = await broker.residentBytes();
    const batch = encodeBatch([zeros], { compression, compress });
    const { errorCode } = await produce(connection, "plain", batch);
    expect([MESSAGE_TOO_LARGE, CORRUPT_MESSAGE]).toContain(errorCode);
    expect(await broker.residentBytes()).toBeLessThan(before + 200_000_000);
  }
});

it("answers malformed compressed data with 2 or 87", async () => {
  for (const compression of [1, 2, 3, 4]) {
    const batch = encodeBatch([textRecord("x")], {
      compression,
      compress: () => Buffer.from("no"),
    });
    const { errorCode } = await produce(connection, "plain", batch);
    expect([CORRUPT_MESSAGE, INVALID_RECORD]).toContain(errorCode);
  }
});

it("answers a null key on a compacted topic with 87, naming the record", async () => {
  const keyed = { ...textRecord("keyed"), key: Buffer.from("k") };
  const batch = encodeBatch([keyed, textRecord("not keyed"), keyed]);
  const answer = await produce(connection, "compacted", batch);
  expect(answer.errorCode).toBe(INVALID_RECORD);
  expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1]);
});

it("answers a timestamp out of range with 32", async () => {
  const { errorCode } = await produce(connection, "punctual", textBatch("from 2023"));
  expect(errorCode).toBe(ErrorCode.INVALID_TIMESTAMP);
});

it("answers zstd below version 7 with 76, and accepts it from version 7 on", async () => {
  await createTopic(connection, "zstd");
  const batch = encodeBatch([textRecord("x".repeat(100))], { compression: 4, compress });
  const old = await produce(connection, "zstd", batch, { version: 6 });
  expect(old.errorCode).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  const recent = await produce(connection, "zstd", batch, { version: 7 });
  expect(recent).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
});

it("answers acks other than -1, 0 and 1 with 21", async () => {
  for (const acks of [2, -2, 100]) {
    const { errorCode } = await produce(connection, "plain", textBatch("x"), { acks });
    expect(errorCode).toBe(ErrorCode.INVALID_REQUIRED_ACKS);
  }
});

it("closes the connection when a batch without acknowledgement is refused", async () => {
  const lost = await RawConnection.open(broker.port);
  const partitionData = [{ index: 0, records: new Uint8Array(10) }];
  const body = { acks: 0, timeoutMs: 1000, topicData: [{ name: "plain", partitionData }] };
  lost.send(...encodeRequest(Produce, 9, { correlationId: 1, clientId: null }, body));
  await within(10_000, "closing", lost.closed);
});

it("answers unknown topics, partitions and ids with 3, 3 and 100, internal topics with 17", async () => {
  const code = async (topic: string, partition = 0) =>
    (await produce(connection, topic, textBatch("x"), { partition })).errorCode;
  expect(await code("nobody-made-this")).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await code("plain", 1)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await code("plain", -1)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await code("__transaction_state")).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
  expect(await code("__consumer_offsets")).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const topicId = "ffffffff-0000-4000-8000-000000000000";
  const partitionData = [{ index: 0, records: textBatch("x") }];
  const body = { acks: -1, timeoutMs: 1000, topicData: [{ topicId, partitionData }] };
  const { responses } = await connection.request(Produce, 13, body);
  const [answer] = responses[0]!.partitionResponses;
  expect(answer!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
});

it("checks the sequences of an idempotent producer", async () => {
  await createTopic(connection, "sequenced");
  const request = { transactionalId: null, transactionTimeoutMs: 1000 };
  const { producerId } = await connection.request(InitProducerId, 4, request);
  const send = (fields: BatchFields) =>
    produce(connection, "sequenced", encodeBatch([textRecord("x")], { producerId, ...fields }));
  const epoch0 = (baseSequence: number) => send({ producerEpoch: 0, baseSequence });

  for (let sequence = 0; sequence < 7; sequence++) {
    expect(await epoch0(sequence)).toMatchObject({ errorCode: 0, baseOffset: sequence });
  }
  // A duplicate of one of the last five batches is acknowledged with its offset, and not appended.
  for (let sequence = 2; sequence < 7; sequence++) {
    expect(await epoch0(sequence)).toMatchObject({ errorCode: 0, baseOffset: sequence });
  }
  const gap = await epoch0(9);
  expect(gap.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  const risen = await send({ producerEpoch: 1, baseSequence: 0 });
  expect(risen).toMatchObject({ errorCode: 0, baseOffset: 7 });
  expect((await epoch0(7)).errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
  const halfway = await send({ producerEpoch: 2, baseSequence: 5 });
  expect(halfway.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect((await readAll(connection, "sequenced")).records).toHaveLength(8);
});
