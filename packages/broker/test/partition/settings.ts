import type { PartitionSettings } from "../../src/partition/slot.ts";

/** Nothing is rolled or deleted. */
export const SETTINGS: PartitionSettings = {
  ...{ segmentBytes: 1 << 30, segmentMs: 1e12, segmentJitterMs: 0, indexIntervalBytes: 4096 },
  ...{ fileDeleteDelayMs: 0, deleteOld: true, retentionMs: -1, retentionBytes: -1 },
};
