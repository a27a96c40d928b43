import type { BrokerAdmin } from "../admin/broker-admin.ts";
import { type Family, gauge } from "./family.ts";

/** Open transactions, for which consumers with read_committed wait. */
export function transactionFamilies(broker: BrokerAdmin): Family[] {
  const held = () => broker.heldPartitions();
  const largest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);
  return [
    gauge(
      "tarpan_partitions_with_open_transaction",
      "Partitions led here with a transaction that was open at the last look, every few seconds",
      () => held().length,
    ),
    gauge(
      "tarpan_oldest_transaction_seconds",
      "For how long the oldest open transaction has held up readers of committed records",
      () => largest(held().map(({ openMs }) => openMs)) / 1000,
    ),
    gauge(
      "tarpan_stable_offset_max_lag",
      "The most offsets between the last stable offset of a partition and its high watermark",
      () => largest(held().map(({ lag }) => lag)),
    ),
    gauge(
      "tarpan_partitions_hanging",
      "Partitions with a transaction that is open for too long to end by itself; /cluster/status has it",
      () => held().filter(({ isHanging }) => isHanging).length,
    ),
  ];
}
