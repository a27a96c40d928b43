import type { BrokerAdmin } from "./broker-admin.ts";
import type { ClusterStatus, OfflinePartition, PartitionStatus } from "./cluster-status.ts";

/** With `listed`, the status lists all partitions; otherwise only the offline ones. */
export async function describeCluster(
  broker: BrokerAdmin,
  listed: boolean,
): Promise<ClusterStatus> {
  const own: PartitionStatus[] = [];
  const offlinePartitions: OfflinePartition[] = [];
  const topics = new Set<string>();
  let partitionCount = 0;
  for (const row of broker.partitions()) {
    const { topic, partition, offlineReason } = row;
    partitionCount++;
    topics.add(topic);
    if (offlineReason !== null) offlinePartitions.push({ topic, partition, offlineReason });
    if (listed) own.push(row);
  }
  const { ready, reasons } = broker.readiness();
  const uncleanablePartitions = broker.storage().cleaner.uncleanable;
  const everywhere = listed && broker.members !== null ? await broker.members.partitions() : null;
  return {
    ...broker.cluster(),
    ...{ ready, reasons, topics: topics.size, partitionCount },
    ...{ offlinePartitions, uncleanablePartitions, heldPartitions: broker.heldPartitions() },
    ...(listed ? { partitions: everywhere ?? own } : {}),
  };
}
