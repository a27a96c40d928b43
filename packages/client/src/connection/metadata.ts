import { ErrorCode, type Metadata, type ResponseOf, ZERO_UUID } from "@tarpan/protocol";
import type { Address } from "./addresses.ts";

export interface TopicMetadata {
  readonly name: string;
  /** Lower-case UUID; all zeros from brokers without topic ids (KIP-516). */
  readonly id: string;
  readonly isInternal: boolean;
  /** Sorted by partition number. */
  readonly partitions: readonly PartitionMetadata[];
}

export interface PartitionMetadata {
  readonly partition: number;
  /** The leader's node id; -1 while the partition has none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

export interface BrokerAddress extends Address {
  readonly nodeId: number;
  readonly rack: string | null;
}

export interface ClusterMetadata {
  readonly clusterId: string | null;
  /** The controller's node id; -1 while there is none. */
  readonly controllerId: number;
  readonly brokers: ReadonlyMap<number, BrokerAddress>;
}

type Answer = ResponseOf<typeof Metadata>;
type TopicAnswer = Answer["topics"][number];

export function clusterOf({ clusterId, controllerId, brokers }: Answer): ClusterMetadata {
  return { clusterId, controllerId, brokers: new Map(brokers.map((b) => [b.nodeId, b])) };
}

export function topicOf(topic: TopicAnswer): TopicMetadata {
  const partitions = topic.partitions.map((partition) => ({
    partition: partition.partitionIndex,
    leader: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicaNodes,
    inSyncReplicas: partition.isrNodes,
    offlineReplicas: partition.offlineReplicas,
  }));
  partitions.sort((a, b) => a.partition - b.partition);
  return { name: topic.name ?? "", id: topic.topicId, isInternal: topic.isInternal, partitions };
}

/**
 * The topic, with each partition in the newest leader epoch that was heard of. A broker that is
 * behind names a leader that was deposed, which may not know it yet: it takes what its successor
 * has written for an offset out of range (KIP-320). A topic that was made anew counts its epochs
 * anew; without ids it can't be told from the one before, and the answer stays as it is.
 */
export function newestOf(topic: TopicMetadata, known: TopicMetadata | undefined): TopicMetadata {
  if (known === undefined || known.id !== topic.id || topic.id === ZERO_UUID) return topic;
  const partitions = topic.partitions.map((partition, at) => {
    const before = known.partitions[at];
    return before !== undefined && before.leaderEpoch > partition.leaderEpoch ? before : partition;
  });
  return { ...topic, partitions };
}

/** Whether the broker knows the topic, even if it answered with another error. */
export function isKnown(answer: TopicAnswer | undefined): answer is TopicAnswer {
  return answer !== undefined && answer.errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

/** Whether API versions that identify topics only by id can be used for it. */
export function hasId(topic: TopicMetadata): boolean {
  return topic.id !== ZERO_UUID;
}
