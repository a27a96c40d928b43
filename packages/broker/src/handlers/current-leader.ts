import { brokerNodes } from "../metadata/descriptions.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { RequestContext } from "./handler.ts";

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** The leader that a client should ask instead (KIP-951); undefined for an unknown partition. */
export function currentLeader(
  image: MetadataImage,
  topic: string | null,
  partition: number,
): CurrentLeader | undefined {
  const found = topic === null ? undefined : image.topics.get(topic)?.partitions[partition];
  return found && { leaderId: found.leader, leaderEpoch: found.leaderEpoch };
}

/** The endpoints of these leaders, each once, without brokers that are down. */
export function leaderEndpoints(
  leaders: readonly (CurrentLeader | undefined)[],
  { services, connection }: RequestContext,
) {
  const ids = new Set(leaders.flatMap((leader) => leader?.leaderId ?? []));
  if (ids.size === 0) return [];
  return brokerNodes(services, connection)
    .filter(({ id }) => ids.has(id))
    .map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }));
}
