import { type BatchHeader, viewOf } from "./batch-header.ts";
import type { Checksum } from "./crc32c.ts";
import { decodeBatch } from "./decode.ts";
import { encodeBatch } from "./encode.ts";

// The control batch that ends a producer's transaction in one partition (KIP-98): one record, whose
// key says how, and whose value says which coordinator did it (Kafka's EndTxnMarker).

/** How a transaction has ended. */
export interface EndTransactionMarker {
  readonly isCommit: boolean;
  readonly coordinatorEpoch: number;
}

export interface EndTransactionFields extends EndTransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Ms since the epoch. */
  readonly timestamp: number;
}

const VERSION = 0;
const ABORT = 0;
const COMMIT = 1;
const KEY_BYTES = 4;
const VALUE_BYTES = 6;

export function encodeEndTransaction(fields: EndTransactionFields, crc32c?: Checksum): Uint8Array {
  const { isCommit, coordinatorEpoch, producerId, producerEpoch, timestamp } = fields;
  const key = new Uint8Array(KEY_BYTES);
  viewOf(key).setInt16(0, VERSION);
  viewOf(key).setInt16(2, isCommit ? COMMIT : ABORT);
  const value = new Uint8Array(VALUE_BYTES);
  viewOf(value).setInt16(0, VERSION);
  viewOf(value).setInt32(2, coordinatorEpoch);
  return encodeBatch([{ key, value, timestamp }], {
    ...{ control: true, transactional: true, producerId, producerEpoch },
    ...(crc32c && { crc32c }),
  });
}

/**
 * Reads the control batch at `at`. Null when it ends no transaction: it is of another type, or
 * compaction has left it without its record.
 */
export function readEndTransaction(
  bytes: Uint8Array,
  at: number,
  { sizeBytes, recordCount }: BatchHeader,
): EndTransactionMarker | null {
  if (recordCount === 0) return null;
  const [record] = decodeBatch(bytes.subarray(at, at + sizeBytes)).records();
  const { key = null, value = null } = record ?? {};
  if (key === null || key.byteLength < KEY_BYTES) return null;
  const type = viewOf(key).getInt16(2);
  if (type !== ABORT && type !== COMMIT) return null;
  if (value === null || value.byteLength < VALUE_BYTES) return null;
  return { isCommit: type === COMMIT, coordinatorEpoch: viewOf(value).getInt32(2) };
}
