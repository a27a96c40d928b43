import type { Log } from "../log/log.ts";
import type { PartitionSettings } from "./slot.ts";

export type RetentionLimits = Pick<
  PartitionSettings,
  "deleteOld" | "retentionMs" | "retentionBytes"
>;

/**
 * The offset before which retention deletes, null for nothing: whole segments, oldest first, that
 * are older than `retentionMs`, or without which the log still has `retentionBytes`. As in Kafka
 * that may include the last segment (UnifiedLog.deleteOldSegments).
 */
export async function expiredBefore(
  log: Pick<Log, "segments" | "sizeBytes">,
  { deleteOld, retentionMs, retentionBytes }: RetentionLimits,
  nowMs: number,
): Promise<number | null> {
  const isByTime = retentionMs >= 0;
  let excessBytes = retentionBytes < 0 ? -1 : log.sizeBytes - retentionBytes;
  if (!deleteOld || (!isByTime && excessBytes < 0)) return null;
  let offset: number | null = null;
  for await (const { endOffset, sizeBytes, newestMs } of log.segments()) {
    excessBytes -= sizeBytes;
    const isOld = isByTime && nowMs - newestMs > retentionMs;
    if (!isOld && excessBytes < 0) break;
    offset = endOffset;
  }
  return offset;
}
