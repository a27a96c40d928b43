import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { PartitionStatus } from "../admin/cluster-status.ts";
import { type Family, gauge, histogramSamples, type Scrape } from "./family.ts";

/** Of each, `/metrics` has three lines; with more partitions it would take the broker too long. */
const MAX_PARTITION_SERIES = 2_000;

/** How long logs take to store records, and what each log of this broker keeps. */
export function logFamilies(broker: BrokerAdmin, scrape: () => Scrape): Family[] {
  return [...flushFamilies(broker), ...perPartition(scrape)];
}

function flushFamilies({ flushes }: BrokerAdmin): Family[] {
  if (flushes === null) return [];
  const name = "tarpan_log_flush_duration_seconds";
  const help =
    "Time to make records durable: a synced write, a sync, or a message until JetStream stored it";
  return [{ name, help, type: "histogram", collect: () => histogramSamples(name, flushes) }];
}

function perPartition(scrape: () => Scrape): Family[] {
  const isTooMany = () => scrape().partitions.length > MAX_PARTITION_SERIES;
  const perLog = (name: string, help: string, of: (row: PartitionStatus) => number): Family => ({
    ...{ name, help, type: "gauge" },
    *collect() {
      if (isTooMany()) return;
      for (const row of scrape().partitions) {
        const { topic, partition, startOffset } = row;
        // Without a log, because it is offline or being opened, there is none.
        if (startOffset >= 0) yield { value: of(row), labels: { topic, partition } };
      }
    },
  });
  return [
    perLog(
      "tarpan_log_size_bytes",
      "Bytes of record batches kept in the log",
      (row) => row.sizeBytes,
    ),
    perLog("tarpan_log_start_offset", "First offset of the log", (row) => row.startOffset),
    perLog("tarpan_log_end_offset", "High watermark of the log", (row) => row.endOffset),
    perLog(
      "tarpan_log_last_stable_offset",
      "Up to which consumers with read_committed may read the log",
      (row) => row.lastStableOffset,
    ),
    gauge(
      "tarpan_logs_without_series",
      `Partitions without size and offsets here: all, if there are more than ${MAX_PARTITION_SERIES}`,
      () => (isTooMany() ? scrape().partitions.length : 0),
    ),
  ];
}
