// Batches as compaction leaves them: with the offsets and the producer's sequences that they had,
// and fewer records (Kafka's MemoryRecords.filterTo).
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD,
  type BatchHeader,
  COMPRESSION_MASK,
  DELETE_HORIZON_BIT,
  LAST_OFFSET_DELTA_AT,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD,
  MAGIC_AT,
  MAGIC_V2,
  MAX_TIMESTAMP_AT,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  setInt64,
  stampBatch,
  stampCrc,
  viewOf,
} from "./batch-header.ts";
import type { Checksum } from "./crc32c.ts";
import {
  cursor,
  readVarint,
  readVarlong,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from "./varint.ts";

/** The records that are left of a batch. */
export interface KeptRecords {
  readonly count: number;
  /** The records field: compressed with the batch's own codec, if it has one. */
  readonly body: Uint8Array;
  /** Of the records, ms; ignored where the batch's timestamps are of type LogAppendTime. */
  readonly maxTimestamp: number;
  /** When its tombstones may go, ms; the records' timestamps count from it. Null: as it was. */
  readonly deleteHorizonMs: number | null;
}

/** A copy of the batch with these records. All else in its header stays, except the CRC. */
export function withRecords(batch: Uint8Array, kept: KeptRecords, crc32c: Checksum): Uint8Array {
  const out = new Uint8Array(BATCH_OVERHEAD + kept.body.byteLength);
  out.set(batch.subarray(0, BATCH_OVERHEAD));
  out.set(kept.body, BATCH_OVERHEAD);
  const view = viewOf(out);
  view.setInt32(BATCH_LENGTH_AT, out.byteLength - LOG_OVERHEAD);
  view.setInt32(RECORD_COUNT_AT, kept.count);
  const attributes = view.getInt16(ATTRIBUTES_AT);
  const isAppendTime = (attributes & LOG_APPEND_TIME_BIT) !== 0;
  if (!isAppendTime) setInt64(view, MAX_TIMESTAMP_AT, kept.maxTimestamp);
  if (kept.deleteHorizonMs !== null) {
    view.setInt16(ATTRIBUTES_AT, attributes | DELETE_HORIZON_BIT);
    setInt64(view, BASE_TIMESTAMP_AT, kept.deleteHorizonMs);
  }
  stampCrc(out, 0, crc32c);
  return out;
}

/** The batch without any record: it still tells its producer's last sequence. */
export function withoutRecords(batch: Uint8Array, crc32c: Checksum): Uint8Array {
  const out = batch.slice(0, BATCH_OVERHEAD);
  const view = viewOf(out);
  const attributes = view.getInt16(ATTRIBUTES_AT);
  view.setInt16(ATTRIBUTES_AT, attributes & ~(COMPRESSION_MASK | DELETE_HORIZON_BIT));
  view.setInt32(BATCH_LENGTH_AT, BATCH_OVERHEAD - LOG_OVERHEAD);
  setInt64(view, BASE_TIMESTAMP_AT, NO_TIMESTAMP);
  view.setInt32(RECORD_COUNT_AT, 0);
  stampCrc(out, 0, crc32c);
  return out;
}

/** A batch without records, producer and timestamps, for offsets whose batches were removed. */
export function emptyBatch(
  { baseOffset, lastOffset, leaderEpoch }: Offsets,
  crc32c: Checksum,
): Uint8Array {
  const out = new Uint8Array(BATCH_OVERHEAD);
  const view = viewOf(out);
  stampBatch(out, 0, baseOffset, leaderEpoch);
  view.setInt32(BATCH_LENGTH_AT, BATCH_OVERHEAD - LOG_OVERHEAD);
  view.setInt8(MAGIC_AT, MAGIC_V2);
  view.setInt32(LAST_OFFSET_DELTA_AT, lastOffset - baseOffset);
  setInt64(view, BASE_TIMESTAMP_AT, NO_TIMESTAMP);
  setInt64(view, MAX_TIMESTAMP_AT, NO_TIMESTAMP);
  setInt64(view, PRODUCER_ID_AT, NO_PRODUCER_ID);
  view.setInt16(PRODUCER_EPOCH_AT, NO_PRODUCER_EPOCH);
  view.setInt32(BASE_SEQUENCE_AT, NO_SEQUENCE);
  stampCrc(out, 0, crc32c);
  return out;
}

type Offsets = Pick<BatchHeader, "baseOffset" | "lastOffset" | "leaderEpoch">;

/** Most bytes that a record grows by: nine for its timestamp delta, one for its length. */
const MAX_GROWTH_BYTES = 10;

/**
 * Copies `count` plain records, with timestamp deltas that are larger by `shiftMs`: the batch's
 * base timestamp is about to be smaller by as much.
 */
export function shiftTimestamps(records: Uint8Array, count: number, shiftMs: number): Uint8Array {
  const end = records.byteLength;
  const out = new Uint8Array(end + count * MAX_GROWTH_BYTES);
  let from = 0;
  let to = 0;
  for (let i = 0; i < count; i++) {
    const length = readVarint(records, from, end);
    const body = cursor.at;
    from = body + length;
    const delta = readVarlong(records, body + 1, from) + shiftMs;
    const rest = cursor.at;
    to = writeVarint(out, to, 1 + sizeOfVarlong(delta) + (from - rest));
    out[to++] = records[body]!;
    to = writeVarlong(out, to, delta);
    out.set(records.subarray(rest, from), to);
    to += from - rest;
  }
  return out.subarray(0, to);
}
