import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD,
  CONTROL_BIT,
  LAST_OFFSET_DELTA_AT,
  LOG_OVERHEAD,
  MAGIC_AT,
  MAGIC_V2,
  MAX_TIMESTAMP_AT,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  setInt64,
  stampBatch,
  stampCrc,
  TRANSACTIONAL_BIT,
  viewOf,
} from "./batch-header.ts";
import { type Checksum, crc32c } from "./crc32c.ts";
import type { Compress } from "./decompress.ts";
import { headerKeyBytes } from "./text.ts";
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from "./varint.ts";

export interface RecordHeader {
  key: string;
  value: Uint8Array | null;
}

export interface RecordInput {
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers?: readonly RecordHeader[];
  /** Ms since the epoch, or -1 for none. */
  timestamp: number;
  /** Ascending. Default: the record's index. */
  offsetDelta?: number;
}

export interface BatchFields {
  /** Default: 0, as clients send it: the log overwrites it. */
  baseOffset?: number;
  leaderEpoch?: number;
  /** Codec 1 to 4; needs `compress`. */
  compression?: number;
  compress?: Compress;
  transactional?: boolean;
  /** The records are control records (KIP-98): only a broker writes these. */
  control?: boolean;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  crc32c?: Checksum;
}

/** Encodes one batch of magic 2. Throws RangeError for no records, or numbers out of range. */
export function encodeBatch(records: readonly RecordInput[], fields: BatchFields = {}): Uint8Array {
  const first = records[0];
  if (!first) throw new RangeError("a record batch needs at least one record");
  const bodySizes: number[] = [];
  const recordsBytes = measure(records, first.timestamp, bodySizes);
  const { compression = 0, compress } = fields;
  let batch: Uint8Array;
  if (compression === 0) {
    batch = new Uint8Array(BATCH_OVERHEAD + recordsBytes);
    writeRecords(batch, BATCH_OVERHEAD, records, first.timestamp, bodySizes);
  } else {
    if (!compress) throw new TypeError("a compressed batch needs a compress function");
    const plain = new Uint8Array(recordsBytes);
    writeRecords(plain, 0, records, first.timestamp, bodySizes);
    const compressed = compress(compression, plain);
    batch = new Uint8Array(BATCH_OVERHEAD + compressed.length);
    batch.set(compressed, BATCH_OVERHEAD);
  }
  writeHeader(batch, records, first.timestamp, fields);
  return batch;
}

function writeHeader(
  batch: Uint8Array,
  records: readonly RecordInput[],
  baseTimestamp: number,
  fields: BatchFields,
): void {
  const view = viewOf(batch);
  const last = records.length - 1;
  let maxTimestamp = baseTimestamp;
  for (const record of records) maxTimestamp = Math.max(maxTimestamp, record.timestamp);
  const attributes =
    (fields.compression ?? 0) |
    (fields.transactional ? TRANSACTIONAL_BIT : 0) |
    (fields.control ? CONTROL_BIT : 0);
  stampBatch(batch, 0, fields.baseOffset ?? 0, fields.leaderEpoch ?? NO_LEADER_EPOCH);
  view.setInt32(BATCH_LENGTH_AT, batch.length - LOG_OVERHEAD);
  view.setInt8(MAGIC_AT, MAGIC_V2);
  view.setInt16(ATTRIBUTES_AT, attributes);
  view.setInt32(LAST_OFFSET_DELTA_AT, records[last]?.offsetDelta ?? last);
  setInt64(view, BASE_TIMESTAMP_AT, baseTimestamp);
  setInt64(view, MAX_TIMESTAMP_AT, maxTimestamp);
  setInt64(view, PRODUCER_ID_AT, fields.producerId ?? NO_PRODUCER_ID);
  view.setInt16(PRODUCER_EPOCH_AT, fields.producerEpoch ?? NO_PRODUCER_EPOCH);
  view.setInt32(BASE_SEQUENCE_AT, fields.baseSequence ?? NO_SEQUENCE);
  view.setInt32(RECORD_COUNT_AT, records.length);
  stampCrc(batch, 0, fields.crc32c ?? crc32c);
}

/** Fills `bodySizes` with each record's length field and returns the bytes of all records. */
function measure(
  records: readonly RecordInput[],
  baseTimestamp: number,
  bodySizes: number[],
): number {
  let total = 0;
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    const headers = record.headers ?? [];
    let size = 1; // attributes
    size += sizeOfVarlong(record.timestamp - baseTimestamp);
    size += sizeOfVarint(record.offsetDelta ?? i);
    size += sizeOfBytes(record.key) + sizeOfBytes(record.value) + sizeOfVarint(headers.length);
    for (const { key, value } of headers)
      size += sizeOfBytes(headerKeyBytes(key)) + sizeOfBytes(value);
    bodySizes.push(size);
    total += sizeOfVarint(size) + size;
  }
  return total;
}

function writeRecords(
  bytes: Uint8Array,
  position: number,
  records: readonly RecordInput[],
  baseTimestamp: number,
  bodySizes: readonly number[],
): void {
  let at = position;
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    const headers = record.headers ?? [];
    at = writeVarint(bytes, at, bodySizes[i]!);
    bytes[at++] = 0;
    at = writeVarlong(bytes, at, record.timestamp - baseTimestamp);
    at = writeVarint(bytes, at, record.offsetDelta ?? i);
    at = writeBytes(bytes, at, record.key);
    at = writeBytes(bytes, at, record.value);
    at = writeVarint(bytes, at, headers.length);
    for (const { key, value } of headers) {
      at = writeBytes(bytes, at, headerKeyBytes(key));
      at = writeBytes(bytes, at, value);
    }
  }
}

function sizeOfBytes(value: Uint8Array | null): number {
  return value === null ? 1 : sizeOfVarint(value.length) + value.length;
}

function writeBytes(bytes: Uint8Array, position: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(bytes, position, -1);
  const at = writeVarint(bytes, position, value.length);
  bytes.set(value, at);
  return at + value.length;
}
