import { compress, crc32c, decompress } from "@tarpan/codecs";
import {
  ATTRIBUTES_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD,
  type BatchHeader,
  COMPRESSION_MASK,
  Compression,
  keepRecords,
  LOG_OVERHEAD,
  MAX_TIMESTAMP_AT,
  NO_TIMESTAMP,
  RECORD_COUNT_AT,
  recordsField,
  setInt64,
  stampCrc,
} from "@tarpan/protocol";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "./limits.ts";

/**
 * The batch without the records at the indexes in `dropped`. As after Kafka's log cleaner, the
 * others keep their offsets, and the batch covers the same offsets and sequence numbers as before,
 * even if no record is left.
 */
export function dropRecords(
  batch: Uint8Array,
  header: BatchHeader,
  dropped: { readonly size: number; has(index: number): boolean },
): Uint8Array {
  const { recordCount, baseTimestamp, compression, timestampType } = header;
  const field = recordsField(batch, header, decompress, MAX_DECOMPRESSED_BATCH_BYTES);
  const kept = keepRecords(field, recordCount, baseTimestamp, dropped);
  const isEmpty = kept.count === 0;
  const codec = isEmpty ? Compression.none : compression;
  const body = codec === Compression.none ? kept.bytes : compress(codec, kept.bytes);
  const out = new Uint8Array(BATCH_OVERHEAD + body.byteLength);
  out.set(batch.subarray(0, BATCH_OVERHEAD));
  out.set(body, BATCH_OVERHEAD);
  const view = new DataView(out.buffer);
  view.setInt16(ATTRIBUTES_AT, (header.attributes & ~COMPRESSION_MASK) | codec);
  view.setInt32(BATCH_LENGTH_AT, out.byteLength - LOG_OVERHEAD);
  view.setInt32(RECORD_COUNT_AT, kept.count);
  if (isEmpty) setInt64(view, BASE_TIMESTAMP_AT, NO_TIMESTAMP);
  if (isEmpty || timestampType === "CreateTime") {
    setInt64(view, MAX_TIMESTAMP_AT, kept.maxTimestamp);
  }
  stampCrc(out, 0, crc32c);
  return out;
}
