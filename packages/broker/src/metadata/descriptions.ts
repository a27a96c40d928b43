import { ErrorCode } from "@tarpan/protocol";
import type { BrokerSettings } from "../config/settings.ts";
import { advertisedAddress, type LocalEnd } from "./advertised-address.ts";
import type { MetadataImage, PartitionImage } from "./image.ts";
import type { Metadata } from "./metadata.ts";

export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly fenced: boolean;
}

/** The brokers, with the addresses at which this client can reach them. */
export function brokerNodes(
  { metadata, settings }: { readonly metadata: Metadata; readonly settings: BrokerSettings },
  connection: LocalEnd,
  { fenced = false } = {},
): BrokerNode[] {
  const nodes: BrokerNode[] = [];
  for (const broker of metadata.image.brokers.values()) {
    if (broker.fenced && !fenced) continue;
    const own = broker.id === metadata.nodeId;
    const { host, port } = own ? advertisedAddress(settings, connection) : broker;
    nodes.push({ id: broker.id, host, port, rack: broker.rack, fenced: broker.fenced });
  }
  return nodes;
}

/** The fields of a partition that are common to Metadata and DescribeTopicPartitions. */
export function partitionFields(
  image: MetadataImage,
  { leader, leaderEpoch, replicas, isr }: PartitionImage,
  partitionIndex: number,
) {
  return {
    errorCode: leader === -1 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
    partitionIndex,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas: replicas.filter((id) => image.brokers.get(id)?.fenced !== false),
  };
}
