import { ErrorCode, type Metadata, type ResponseOf, ZERO_UUID } from "@tarpan/protocol";
import type { Address } from "./addresses.ts";

export interface TopicMetadata {
  readonly name: string;
  /** Lower-case UUID; all zeros from a broker older than topic ids (KIP-516). */
  readonly id: string;
  readonly isInternal: boolean;
  /** By partition number. */
  readonly partitions: readonly PartitionMetadata[];
}

export interface PartitionMetadata {
  readonly partition: number;
  /** -1 when there is none. */
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
  /** -1 when there is none. */
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

/** Whether a broker that was asked for a topic knows of it, however it stands. */
export function isKnown(answer: TopicAnswer | undefined): answer is TopicAnswer {
  return answer !== undefined && answer.errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

/** Whether versions that name topics by id alone can be used for it. */
export function hasId(topic: TopicMetadata): boolean {
  return topic.id !== ZERO_UUID;
}
