// Batches as kafkajs writes and reads them, through its own encoder and decoder.
import { createRequire } from "node:module";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  crc32c,
  decodeBatches,
  encodeBatch,
  type RecordInput,
  validateBatch,
} from "../../src/records/index.ts";
import { NOW, RULES, record, text } from "./samples.ts";

interface TheirRecord {
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer>;
}

const require = createRequire(import.meta.url);
const Decoder = require("kafkajs/src/protocol/decoder.js") as new (bytes: Buffer) => object;
const encodeTheirRecord = require("kafkajs/src/protocol/recordBatch/record/v0/index.js") as (
  record: object,
) => object;
const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0/index.js") as {
  RecordBatch(fields: object): Promise<{ buffer: Buffer }>;
};
const decodeTheirs = require("kafkajs/src/protocol/recordBatch/v0/decoder.js") as (
  decoder: object,
) => Promise<{ records: TheirRecord[]; producerId: string; inTransaction: boolean }>;

const decompress = (_: number, bytes: Uint8Array) => gunzipSync(bytes);
const compress = (_: number, bytes: Uint8Array) => gzipSync(bytes);

/** More than 64 records, so that deltas take two bytes; headers, nulls and empties among them. */
const records: RecordInput[] = Array.from({ length: 100 }, (_, i) =>
  record(i, {
    key: i % 3 === 0 ? null : text(`key ${i}`),
    value: text("v".repeat(i * 7)),
    headers: i % 5 === 0 ? [{ key: "trace-é", value: text(`${i}`) }] : [],
    timestamp: NOW + i * 1000,
  }),
);

describe.each([0, 1])("compression %i", (compression) => {
  it("reads kafkajs's batches", async () => {
    const theirs = records.map(({ key, value, headers = [], timestamp }, offsetDelta) =>
      encodeTheirRecord({
        offsetDelta,
        timestampDelta: timestamp - NOW,
        key: key && Buffer.from(key),
        value: value && Buffer.from(value),
        headers: Object.fromEntries(headers.map((one) => [one.key, Buffer.from(one.value!)])),
      }),
    );
    const { buffer } = await RecordBatch({
      compression,
      firstTimestamp: NOW,
      maxTimestamp: NOW + 99_000,
      lastOffsetDelta: theirs.length - 1,
      records: theirs,
    });
    const maxTimestamp = NOW + 99_000;
    const rules = { ...RULES, decompress, timestampAfterMaxMs: 100_000 };
    expect(validateBatch(buffer, rules)).toMatchObject({ ok: true, maxTimestamp });
    const [batch] = decodeBatches(buffer, { decompress, crc32c });
    const expected = records.map((one, offset) => ({ ...one, offset }));
    const plain = (bytes: Uint8Array | null) => bytes && Uint8Array.from(bytes);
    const decoded = [...batch!.records()].map((one) => ({
      ...one,
      key: plain(one.key),
      value: plain(one.value),
      headers: one.headers.map(({ key, value }) => ({ key, value: plain(value) })),
    }));
    expect(decoded).toEqual(expected);
  });

  it("writes batches that kafkajs reads", async () => {
    const fields = { producerId: 2 ** 40, producerEpoch: 3, baseSequence: 7, transactional: true };
    const ours = encodeBatch(records, { ...fields, compression, compress, baseOffset: 2 ** 33 });
    const theirs = await decodeTheirs(new Decoder(Buffer.from(ours)));
    expect(theirs).toMatchObject({ producerId: `${2 ** 40}`, inTransaction: true });
    expect(theirs.records.length).toBe(records.length);
    for (const [i, { offset, timestamp, key, value, headers }] of theirs.records.entries()) {
      const expected = records[i]!;
      expect([offset, timestamp]).toEqual([`${2 ** 33 + i}`, `${expected.timestamp}`]);
      expect(key?.toString()).toBe(expected.key ? Buffer.from(expected.key).toString() : undefined);
      expect(value?.length).toBe(expected.value?.length);
      expect(Object.keys(headers)).toEqual((expected.headers ?? []).map((one) => one.key));
    }
  });
});
