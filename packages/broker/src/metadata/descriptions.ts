import { ErrorCode } from "@tarpan/protocol";
import type { BrokerSettings } from "../config/settings.ts";
import { advertisedAddress, type LocalEnd } from "./advertised-address.ts";
import { endPointOf, type MetadataImage, type PartitionImage } from "./image.ts";
import type { Metadata } from "./metadata.ts";

export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly fenced: boolean;
}

/**
 * The brokers, with the addresses at which this client can reach them: those of the listener that
 * it came by. As in Kafka, a broker without such a listener is left out.
 */
export function brokerNodes(
  { metadata, settings }: { readonly metadata: Metadata; readonly settings: BrokerSettings },
  connection: LocalEnd,
  { fenced = false } = {},
): BrokerNode[] {
  const nodes: BrokerNode[] = [];
  const { listener } = connection;
  for (const broker of metadata.image.brokers.values()) {
    if (broker.fenced && !fenced) continue;
    const own = broker.id === metadata.nodeId;
    const at = own ? advertisedAddress(settings, connection) : endPointOf(broker, listener);
    if (at === null) continue;
    const { host, port } = at;
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
