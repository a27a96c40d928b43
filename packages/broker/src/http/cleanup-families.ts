import type { BrokerAdmin } from "../admin/broker-admin.ts";
import { counter, type Family, gauge } from "./family.ts";

/** What retention and the log cleaner have freed, and why they can't. */
export function cleanupFamilies(broker: BrokerAdmin): Family[] {
  const cleaner = () => broker.storage().cleaner;
  return [
    counter(
      "tarpan_retention_deleted_bytes_total",
      "Bytes of record batches that retention deleted",
      () => broker.storage().retentionDeletedBytes,
    ),
    gauge(
      "tarpan_retention_clock_ahead_seconds",
      "How far the clock jumped forward, while retention waits a day before it believes that",
      () => broker.storage().retentionClockAheadMs / 1000,
    ),
    counter(
      "tarpan_cleaner_runs_total",
      "Compactions of a log that were finished",
      () => cleaner().runs,
    ),
    counter(
      "tarpan_cleaner_read_bytes_total",
      "Bytes of record batches that the log cleaner read",
      () => cleaner().readBytes,
    ),
    counter(
      "tarpan_cleaner_written_bytes_total",
      "Bytes of record batches that the log cleaner wrote",
      () => cleaner().writtenBytes,
    ),
    counter(
      "tarpan_cleaner_freed_bytes_total",
      "Bytes by which compaction made logs smaller",
      () => cleaner().freedBytes,
    ),
    counter(
      "tarpan_cleaner_busy_seconds_total",
      "Time that the log cleaner spent on compactions, failed ones included",
      () => cleaner().busyMs / 1000,
    ),
    gauge(
      "tarpan_cleaner_max_dirty_ratio",
      "Part of the dirtiest log that could be compacted and is not, 0 to 1",
      () => cleaner().maxDirtyRatio,
    ),
    {
      name: "tarpan_cleaner_check_age_seconds",
      help: "Time since the log cleaner last looked for dirty logs; it grows during a compaction",
      type: "gauge",
      *collect() {
        const { sinceCheckMs } = cleaner();
        if (sinceCheckMs !== null) yield { value: sinceCheckMs / 1000, labels: {} };
      },
    },
    gauge(
      "tarpan_partitions_uncleanable",
      "Compacted partitions that can't be compacted, and keep all records; /cluster/status says why",
      () => cleaner().uncleanable.length,
    ),
  ];
}
