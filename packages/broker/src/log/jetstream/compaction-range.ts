// What compaction may work on. A stream has no segments, so the newest blocks of the index, as many
// as would be the active segment of a log on a disk, are left alone.
import type { LogOptions } from "../log.ts";
import type { Block } from "./block-index.ts";

type SegmentOptions = Pick<LogOptions, "segmentBytes" | "segmentMs">;

/** How many of the first blocks may be compacted. `minLagMs`: `min.compaction.lag.ms`. */
export function countCompactable(
  blocks: readonly Readonly<Block>[],
  { segmentBytes, segmentMs }: SegmentOptions,
  minLagMs: number,
  nowMs: number,
): number {
  let closed = 0;
  let sizeBytes = 0;
  for (const [i, block] of blocks.entries()) {
    const isFull = sizeBytes > 0 && sizeBytes + block.sizeBytes > segmentBytes;
    if (isFull || block.newestMs - blocks[closed]!.newestMs > segmentMs) {
      closed = i;
      sizeBytes = 0;
    }
    if (minLagMs > 0 && block.maxTimestamp > nowMs - minLagMs) return closed;
    sizeBytes += block.sizeBytes;
  }
  // A segment that is old enough would be closed even if nobody wrote.
  const first = blocks[closed];
  return first && nowMs - first.newestMs > segmentMs ? blocks.length : closed;
}
