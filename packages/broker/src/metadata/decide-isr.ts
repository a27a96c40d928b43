import type { ReplicaStates } from "../log/replication.ts";
import type { Decision } from "../state-machine/replayed-state.ts";
import { aliveBrokers } from "./elect-leader.ts";
import type { MetadataImage, PartitionImage } from "./image.ts";
import { isReassigning, movedLeader, targetReplicas } from "./reassignment.ts";
import { type MetadataRecord, type PartitionChange, partitionChangeRecord } from "./records.ts";

/**
 * Updates the metadata by what the engine says of its replicas: the ISRs, and which reassignments
 * are complete. Partitions that the states don't mention stay as they are.
 */
export function decideIsr(
  image: MetadataImage,
  states: readonly ReplicaStates[],
): Decision<MetadataRecord, void> {
  const alive = aliveBrokers(image);
  const records: MetadataRecord[] = [];
  for (const state of states) {
    const { topicId, partition: index } = state.id;
    const partition = image.topicsById.get(topicId)?.partitions[index];
    if (partition === undefined) continue;
    const change = finished(partition, state, alive) ?? changedIsr(partition, state);
    if (change !== null) records.push(partitionChangeRecord(topicId, index, change));
  }
  return { records, response: undefined };
}

/**
 * Completes a reassignment when all its target replicas are in sync and the engine has no other
 * replicas: until then the Raft group may need a broker that the operator wants to stop.
 */
function finished(
  partition: PartitionImage,
  state: ReplicaStates,
  alive: ReadonlySet<number>,
): PartitionChange | null {
  if (!isReassigning(partition)) return null;
  const target = targetReplicas(partition);
  if (!target.every((id) => isCurrent(state, id))) return null;
  if (state.replicas.some(({ brokerId }) => !target.includes(brokerId))) return null;
  const done = { replicas: target, adding: [], removing: [], isr: target };
  return { ...done, ...movedLeader(partition, target, target, alive) };
}

/** As in Kafka an ISR is never empty: its last members hold the data. */
function changedIsr(partition: PartitionImage, state: ReplicaStates): PartitionChange | null {
  const isr = partition.replicas.filter((id) => isCurrent(state, id));
  const before = partition.isr;
  const same = isr.length === before.length && isr.every((id, index) => id === before[index]);
  return same || isr.length === 0 ? null : { isr };
}

function isCurrent({ replicas }: ReplicaStates, id: number): boolean {
  return replicas.some(({ brokerId, current }) => current && brokerId === id);
}

/**
 * Logs whose replicas the engine has on other brokers than the metadata says, and where they shall
 * be. The controller asks the engine to move them until none is left.
 */
export function misplacedLogs(
  image: MetadataImage,
  states: readonly ReplicaStates[],
): MisplacedLog[] {
  const misplaced: MisplacedLog[] = [];
  for (const { id, replicas } of states) {
    const partition = image.topicsById.get(id.topicId)?.partitions[id.partition];
    if (partition === undefined || replicas.length === 0) continue;
    const target = targetReplicas(partition);
    const right =
      replicas.every(({ brokerId }) => target.includes(brokerId)) &&
      target.every((broker) => replicas.some(({ brokerId }) => brokerId === broker));
    if (!right) misplaced.push({ id, replicas: target });
  }
  return misplaced;
}

export interface MisplacedLog {
  readonly id: ReplicaStates["id"];
  readonly replicas: readonly number[];
}
