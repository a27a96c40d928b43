import { decompress } from "@tarpan/codecs";
import { findRecordByTimestamp } from "@tarpan/protocol";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "./limits.ts";
import type { Partition } from "./partition.ts";

/**
 * The first record at or after `timestamp` (ms), below `end`; null when there is none. Rejects with
 * LogError, or ProtocolError for a batch that can't be read.
 */
export async function findByTimestamp(
  { log }: Partition,
  timestamp: number,
  end: number,
): Promise<{ offset: number; timestamp: number } | null> {
  if (timestamp < 0) return null;
  const batchOffset = await log.offsetAt(timestamp);
  if (batchOffset === null || batchOffset >= end) return null;
  const [batch] = await log.read(batchOffset, 1, end);
  if (batch === undefined) return null;
  const options = { decompress, maxDecompressedBytes: MAX_DECOMPRESSED_BATCH_BYTES };
  const record = findRecordByTimestamp(batch, timestamp, options);
  return record === null || record.offset >= end ? null : record;
}
