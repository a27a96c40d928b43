import type { Broker } from "../handlers/handler.ts";
import type { ConnectionInfo } from "../server/router.ts";
import { advertisedAddress } from "./advertised-address.ts";
import type { MetadataImage, PartitionImage } from "./image.ts";

export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly fenced: boolean;
}

/** The brokers as this client is to reach them. */
export function brokerNodes(
  { metadata, settings }: Pick<Broker, "metadata" | "settings">,
  connection: ConnectionInfo,
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

/** Replicas of a partition that stand on brokers which are not up. */
export function offlineReplicas(image: MetadataImage, { replicas }: PartitionImage): number[] {
  return replicas.filter((id) => image.brokers.get(id)?.fenced !== false);
}
