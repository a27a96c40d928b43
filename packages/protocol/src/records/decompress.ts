import { BATCH_OVERHEAD, type BatchHeader } from "./batch-header.ts";

/**
 * Decompresses `bytes` (codec 1 to 4) to at most `maxBytes`. Its errors have a `code`:
 * TARPAN_DECOMPRESSION_LIMIT above maxBytes, TARPAN_DECOMPRESSION_FAILED for malformed input,
 * TARPAN_CODEC_UNAVAILABLE if the codec can't be loaded.
 */
export type Decompress = (codec: number, bytes: Uint8Array, maxBytes: number) => Uint8Array;

/** Compresses with codec 1 to 4. */
export type Compress = (codec: number, bytes: Uint8Array) => Uint8Array;

/** Plain records: the range [start, end) of `bytes`. */
export interface PlainRecords {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The plain records of one whole batch: a range of `batch`, or of a decompressed copy. */
export function recordsField(
  batch: Uint8Array,
  header: BatchHeader,
  decompress: Decompress,
  maxDecompressedBytes: number,
): PlainRecords {
  if (header.compression === 0) return { bytes: batch, start: BATCH_OVERHEAD, end: batch.length };
  const compressed = batch.subarray(BATCH_OVERHEAD);
  const plain = decompress(header.compression, compressed, maxDecompressedBytes);
  return { bytes: plain, start: 0, end: plain.length };
}
