import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  BATCH_OVERHEAD,
  type BatchAccepted,
  type BatchHeader,
  type Checksum,
  COMPRESSION_MASK,
  Compression,
  LOG_OVERHEAD,
  renumberRecords,
  stampCrc,
} from "@tarpan/protocol";
import type { TopicConfig } from "../config/kafka/typed.ts";

/** The codec that a batch is stored with: its own, unless its topic or the broker wants another. */
export function codecFor({ compression, sizeBytes }: BatchHeader, config: TopicConfig): number {
  const { compressionType, plainCompression } = config;
  if (compressionType !== "producer") return CODEC_OF[compressionType]!;
  if (plainCompression === null || compression !== Compression.none) return compression;
  return sizeBytes > plainCompression.thresholdBytes
    ? CODEC_OF[plainCompression.type]!
    : Compression.none;
}

/**
 * The records of a batch as they are to be stored, not compressed. Records whose offset deltas are
 * not 0 to n − 1 are renumbered. (Kafka renumbers only batches that it compresses; consumers skip
 * records with a repeated offset.)
 */
export function recordsOf({ header, misnumbered, records }: BatchAccepted): Uint8Array {
  if (misnumbered) return renumberRecords(records, header.recordCount);
  return records.bytes.subarray(records.start, records.end);
}

/** The level of a codec that has some; others ignore it. */
export function levelOf(codec: number, config: TopicConfig): number {
  return codec === Compression.gzip ? config.compressionGzipLevel : config.compressionZstdLevel;
}

/** A batch with other records. Only attributes, length and CRC of the header change. */
export function withRecords(
  batch: Uint8Array,
  { attributes }: BatchHeader,
  codec: number,
  records: Uint8Array,
  crc32c: Checksum,
): Uint8Array {
  const out = new Uint8Array(BATCH_OVERHEAD + records.byteLength);
  out.set(batch.subarray(0, BATCH_OVERHEAD));
  out.set(records, BATCH_OVERHEAD);
  const view = new DataView(out.buffer);
  view.setInt16(ATTRIBUTES_AT, (attributes & ~COMPRESSION_MASK) | codec);
  view.setInt32(BATCH_LENGTH_AT, out.byteLength - LOG_OVERHEAD);
  stampCrc(out, 0, crc32c);
  return out;
}

const CODEC_OF: Record<string, number> = {
  uncompressed: Compression.none,
  gzip: Compression.gzip,
  snappy: Compression.snappy,
  lz4: Compression.lz4,
  zstd: Compression.zstd,
};
