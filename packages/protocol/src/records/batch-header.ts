// The header of a record batch, magic 2 (KIP-98). A batch is validated once and then copied as
// opaque bytes, so this file reads and writes single fields in place.
//
// 1. The accessors check nothing: the caller must know that BATCH_OVERHEAD bytes exist at the
//    position (otherwise a DataView throws RangeError).
// 2. The CRC does not cover baseOffset and leaderEpoch, so writing them leaves it valid. Every
//    other write also writes a new CRC.
// 3. An int64 is read as a number: exact within ±(2^53 − 1), rounded outside. Validation refuses
//    numbers that are not safe integers, so no later code gets a rounded one.
import type { Checksum } from "./crc32c.ts";

/** Bytes of baseOffset and batchLength, which batchLength does not count. */
export const LOG_OVERHEAD = 12;
/** Bytes of a batch with no records. */
export const BATCH_OVERHEAD = 61;
/** The only record format Tarpan stores. */
export const MAGIC_V2 = 2;

export const BASE_OFFSET_AT = 0;
export const BATCH_LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
/** The CRC covers everything from here to the end of the batch. */
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;

export const COMPRESSION_MASK = 0x07;
export const LOG_APPEND_TIME_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;

/** The codec ids in the attributes. */
export const Compression = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_TIMESTAMP = -1;
export const NO_LEADER_EPOCH = -1;

export interface BatchHeader {
  baseOffset: number;
  /** Bytes of the whole batch: LOG_OVERHEAD + batchLength. */
  sizeBytes: number;
  leaderEpoch: number;
  magic: number;
  /** CRC32C, unsigned. */
  crc: number;
  attributes: number;
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 are not defined. */
  compression: number;
  timestampType: "CreateTime" | "LogAppendTime";
  isTransactional: boolean;
  isControl: boolean;
  /** Set by compaction; baseTimestamp is then the delete horizon (KIP-534). */
  hasDeleteHorizon: boolean;
  lastOffsetDelta: number;
  lastOffset: number;
  baseTimestamp: number;
  /** With timestampType LogAppendTime this is every record's timestamp. */
  maxTimestamp: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  recordCount: number;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads the 61 bytes at `at` without checking any value. Throws RangeError if they are cut off. */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  return readBatchHeaderFrom(viewOf(bytes), at);
}

export function readBatchHeaderFrom(view: DataView, at: number): BatchHeader {
  const attributes = attributesAt(view, at);
  const baseOffset = baseOffsetAt(view, at);
  const lastOffsetDelta = lastOffsetDeltaAt(view, at);
  return {
    baseOffset,
    sizeBytes: batchSizeAt(view, at),
    leaderEpoch: leaderEpochAt(view, at),
    magic: magicAt(view, at),
    crc: crcAt(view, at),
    attributes,
    compression: attributes & COMPRESSION_MASK,
    timestampType: attributes & LOG_APPEND_TIME_BIT ? "LogAppendTime" : "CreateTime",
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    hasDeleteHorizon: (attributes & DELETE_HORIZON_BIT) !== 0,
    lastOffsetDelta,
    lastOffset: baseOffset + lastOffsetDelta,
    baseTimestamp: baseTimestampAt(view, at),
    maxTimestamp: maxTimestampAt(view, at),
    producerId: producerIdAt(view, at),
    producerEpoch: producerEpochAt(view, at),
    baseSequence: baseSequenceAt(view, at),
    recordCount: recordCountAt(view, at),
  };
}

export function baseOffsetAt(view: DataView, at: number): number {
  return int64At(view, at + BASE_OFFSET_AT);
}

/** Bytes of the whole batch as its length field claims; needs only LOG_OVERHEAD bytes. */
export function batchSizeAt(view: DataView, at: number): number {
  return LOG_OVERHEAD + view.getInt32(at + BATCH_LENGTH_AT);
}

export function leaderEpochAt(view: DataView, at: number): number {
  return view.getInt32(at + LEADER_EPOCH_AT);
}

/** The magic byte: at the same position in every format since Kafka 0.8. */
export function magicAt(view: DataView, at: number): number {
  return view.getInt8(at + MAGIC_AT);
}

export function crcAt(view: DataView, at: number): number {
  return view.getUint32(at + CRC_AT);
}

export function attributesAt(view: DataView, at: number): number {
  return view.getInt16(at + ATTRIBUTES_AT);
}

export function compressionAt(view: DataView, at: number): number {
  return attributesAt(view, at) & COMPRESSION_MASK;
}

export function isTransactionalAt(view: DataView, at: number): boolean {
  return (attributesAt(view, at) & TRANSACTIONAL_BIT) !== 0;
}

export function isControlAt(view: DataView, at: number): boolean {
  return (attributesAt(view, at) & CONTROL_BIT) !== 0;
}

export function lastOffsetDeltaAt(view: DataView, at: number): number {
  return view.getInt32(at + LAST_OFFSET_DELTA_AT);
}

export function lastOffsetAt(view: DataView, at: number): number {
  return baseOffsetAt(view, at) + lastOffsetDeltaAt(view, at);
}

/** The offset after the batch. */
export function nextOffsetAt(view: DataView, at: number): number {
  return lastOffsetAt(view, at) + 1;
}

export function baseTimestampAt(view: DataView, at: number): number {
  return int64At(view, at + BASE_TIMESTAMP_AT);
}

export function maxTimestampAt(view: DataView, at: number): number {
  return int64At(view, at + MAX_TIMESTAMP_AT);
}

export function producerIdAt(view: DataView, at: number): number {
  return int64At(view, at + PRODUCER_ID_AT);
}

export function producerEpochAt(view: DataView, at: number): number {
  return view.getInt16(at + PRODUCER_EPOCH_AT);
}

export function baseSequenceAt(view: DataView, at: number): number {
  return view.getInt32(at + BASE_SEQUENCE_AT);
}

export function recordCountAt(view: DataView, at: number): number {
  return view.getInt32(at + RECORD_COUNT_AT);
}

/** Whether the batch of `sizeBytes` at `at` matches its CRC. All its bytes must be there. */
export function batchCrcMatches(
  bytes: Uint8Array,
  at: number,
  sizeBytes: number,
  crc32c: Checksum,
): boolean {
  const stored =
    (bytes[at + CRC_AT]! << 24) |
    (bytes[at + CRC_AT + 1]! << 16) |
    (bytes[at + CRC_AT + 2]! << 8) |
    bytes[at + CRC_AT + 3]!;
  return crc32c(bytes.subarray(at + ATTRIBUTES_AT, at + sizeBytes)) === stored >>> 0;
}

/** Writes baseOffset and leaderEpoch in place. The CRC does not cover them. */
export function stampBatch(
  bytes: Uint8Array,
  at: number,
  baseOffset: number,
  leaderEpoch: number,
): void {
  const view = viewOf(bytes);
  setInt64(view, at + BASE_OFFSET_AT, baseOffset);
  view.setInt32(at + LEADER_EPOCH_AT, leaderEpoch);
}

/**
 * Gives all records of the batch the broker's time (message.timestamp.type=LogAppendTime) and
 * writes the CRC. `timestamp` is in ms since the epoch.
 */
export function stampAppendTime(
  bytes: Uint8Array,
  at: number,
  timestamp: number,
  crc32c: Checksum,
): void {
  const view = viewOf(bytes);
  const attributes = attributesAt(view, at) & ~DELETE_HORIZON_BIT;
  view.setInt16(at + ATTRIBUTES_AT, attributes | LOG_APPEND_TIME_BIT);
  setInt64(view, at + MAX_TIMESTAMP_AT, timestamp);
  stampCrc(bytes, at, crc32c);
}

/**
 * Sets maxTimestamp to that of the records, clears the attributes about timestamps that only a
 * broker may set, and writes the CRC.
 */
export function stampCreateTime(
  bytes: Uint8Array,
  at: number,
  maxTimestamp: number,
  crc32c: Checksum,
): void {
  const view = viewOf(bytes);
  const attributes = attributesAt(view, at) & ~(LOG_APPEND_TIME_BIT | DELETE_HORIZON_BIT);
  view.setInt16(at + ATTRIBUTES_AT, attributes);
  setInt64(view, at + MAX_TIMESTAMP_AT, maxTimestamp);
  stampCrc(bytes, at, crc32c);
}

/** Computes and writes the CRC of the whole batch at `at`. */
export function stampCrc(bytes: Uint8Array, at: number, crc32c: Checksum): void {
  const view = viewOf(bytes);
  const end = at + batchSizeAt(view, at);
  view.setUint32(at + CRC_AT, crc32c(bytes.subarray(at + ATTRIBUTES_AT, end)));
}

const TWO_POW_32 = 2 ** 32;

/** Two 32-bit reads: several times faster than getBigInt64. */
export function int64At(view: DataView, position: number): number {
  return view.getInt32(position) * TWO_POW_32 + view.getUint32(position + 4);
}

/** Throws RangeError for anything but a safe integer: a rounded offset must never reach a log. */
export function setInt64(view: DataView, position: number, value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
  view.setInt32(position, Math.floor(value / TWO_POW_32));
  view.setUint32(position + 4, value >>> 0);
}
