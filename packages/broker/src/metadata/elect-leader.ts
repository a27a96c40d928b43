import type { ReplicaStates } from "../log/replication.ts";
import { type MetadataImage, NO_LEADER, type PartitionImage } from "./image.ts";

/** The broker beside a partition's Raft leader; null when it is unknown or beside no broker. */
export type RaftLeaderOf = (topicId: string, partition: number) => number | null;

export const UNKNOWN_RAFT_LEADERS: RaftLeaderOf = () => null;

/** The brokers that may lead, in order of their ids. */
export function aliveBrokers(image: MetadataImage): Set<number> {
  const alive = [...image.brokers.values()].filter((broker) => !broker.fenced);
  return new Set(alive.map(({ id }) => id).sort((a, b) => a - b));
}

/**
 * Elects the leader of a partition among `alive` brokers (in order of ids). The present leader
 * stays, so that no client has to move without need. Otherwise the broker nearest to the data wins:
 * beside the Raft leader, then a replica in sync, then any replica, then any broker. Every broker
 * reaches the log and none can lose its records, so there is no unclean election here: where Kafka
 * would wait for a replica, any broker may lead.
 */
export function electLeader(
  { leader, replicas, isr }: Pick<PartitionImage, "leader" | "replicas" | "isr">,
  alive: ReadonlySet<number>,
  raftLeader: number | null = null,
): number {
  if (alive.has(leader)) return leader;
  if (raftLeader !== null && alive.has(raftLeader) && replicas.includes(raftLeader)) {
    return raftLeader;
  }
  const inSync = replicas.find((id) => alive.has(id) && isr.includes(id));
  const [anybody = NO_LEADER] = alive;
  return inSync ?? replicas.find((id) => alive.has(id)) ?? anybody;
}

/** Where the Raft leaders are, from what the engine says of its logs. */
export function raftLeadersOf(states: readonly ReplicaStates[]): RaftLeaderOf {
  const leaders = new Map<string, (number | null)[]>();
  for (const { id, raftLeader } of states) {
    const ofTopic = leaders.get(id.topicId) ?? [];
    if (ofTopic.length === 0) leaders.set(id.topicId, ofTopic);
    ofTopic[id.partition] = raftLeader;
  }
  return (topicId, partition) => leaders.get(topicId)?.[partition] ?? null;
}
