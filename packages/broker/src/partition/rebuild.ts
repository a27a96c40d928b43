import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD,
  type BatchAccepted,
  type Checksum,
  COMPRESSION_MASK,
  type Compress,
  Compression,
  type Decompress,
  LOG_OVERHEAD,
  recordsField,
  renumberRecords,
  stampCrc,
} from "@tarpan/protocol";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "./limits.ts";

/**
 * Converts a batch to its topic's format; returns the same bytes if nothing must change, which is
 * the usual case. It is compressed again if `compression.type` is another codec, and records whose
 * offset deltas are not 0 to n − 1 are renumbered. (Kafka renumbers only batches that it
 * compresses; consumers skip records with a repeated offset.) Only attributes, length and CRC of
 * the header change.
 */
export function rebuild(
  batch: Uint8Array,
  { header, misnumbered }: Pick<BatchAccepted, "header" | "misnumbered">,
  type: string,
  codecs: { compress: Compress; decompress: Decompress; crc32c: Checksum },
): Uint8Array {
  const codec = CODEC_OF[type] ?? header.compression;
  if (codec === header.compression && !misnumbered) return batch;
  const field = recordsField(batch, header, codecs.decompress, MAX_DECOMPRESSED_BATCH_BYTES);
  const records = misnumbered
    ? renumberRecords(field, header.recordCount)
    : field.bytes.subarray(field.start, field.end);
  const body = codec === Compression.none ? records : codecs.compress(codec, records);
  const out = new Uint8Array(BATCH_OVERHEAD + body.byteLength);
  out.set(batch.subarray(0, BATCH_OVERHEAD));
  out.set(body, BATCH_OVERHEAD);
  const view = new DataView(out.buffer);
  view.setInt16(ATTRIBUTES_AT, (header.attributes & ~COMPRESSION_MASK) | codec);
  view.setInt32(BATCH_LENGTH_AT, out.byteLength - LOG_OVERHEAD);
  stampCrc(out, 0, codecs.crc32c);
  return out;
}

/** Without `producer`, which keeps the codec of the batch. */
const CODEC_OF: Record<string, number> = {
  uncompressed: Compression.none,
  gzip: Compression.gzip,
  snappy: Compression.snappy,
  lz4: Compression.lz4,
  zstd: Compression.zstd,
};
