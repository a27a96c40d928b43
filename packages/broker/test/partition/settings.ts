import { CleaningHere } from "../../src/log/compaction/cleaning-work.ts";
import type { PartitionSettings } from "../../src/partition/slot.ts";
import { goOn } from "../../src/util/next-turn.ts";

/** Nothing is rolled or deleted. */
export const SETTINGS: PartitionSettings = {
  ...{ segmentBytes: 1 << 30, segmentMs: 1e12, segmentJitterMs: 0, indexIntervalBytes: 4096 },
  ...{ fileDeleteDelayMs: 0, deleteOld: true, retentionMs: -1, retentionBytes: -1, dedupe: null },
  ...{ compact: false, minCompactionLagMs: 0, maxCompactionLagMs: 1e12 },
  ...{ minCleanableDirtyRatio: 0.5, deleteRetentionMs: 0 },
};

/** For partitions that are never compacted, and have no transactions that hang. */
export const CLEANING = {
  transactionMaxTimeoutMs: () => 900_000,
  cleaner: () => ({
    ...{ logCleanerEnable: true, logCleanerBackoffMs: 1e9, logCleanerIoBufferLoadFactor: 0.9 },
    ...{ logCleanerDedupeBufferSize: 1 << 20, logCleanerIoMaxBytesPerSecond: 1e9 },
  }),
  cleaningWork: new CleaningHere(goOn),
};
