import { electLeader } from "./elect-leader.ts";
import { type MetadataImage, NO_LEADER, type PartitionImage } from "./image.ts";
import type { PartitionChange } from "./records.ts";

/**
 * A reassignment under way (KIP-455). `replicas` are the wanted ones in their order, then those
 * that go; `adding` and `removing` say which are new and which go. Without one both are empty.
 */
export function isReassigning({ adding, removing }: PartitionImage): boolean {
  return adding.length > 0 || removing.length > 0;
}

/** The replicas a partition shall have: once a reassignment is done, and at once without one. */
export function targetReplicas({ replicas, removing }: PartitionImage): readonly number[] {
  return removing.length === 0 ? replicas : replicas.filter((id) => !removing.includes(id));
}

/** The replicas from before the reassignment, in the order known. */
function originalReplicas({ replicas, adding }: PartitionImage): readonly number[] {
  return replicas.filter((id) => !adding.includes(id));
}

/**
 * Sets out for `target`, or for where it came from when that is null. Null when no replica in sync
 * would be left. What an earlier reassignment brought and this one does not want goes at once, as
 * KIP-455 has it; Kafka's controller would keep it among the replicas a cancellation returns to.
 */
export function beginReassignment(
  partition: PartitionImage,
  target: readonly number[] | null,
  alive: ReadonlySet<number>,
): PartitionChange | null {
  const original = originalReplicas(partition);
  const wanted = target ?? original;
  const removing = original.filter((id) => !wanted.includes(id));
  const adding = wanted.filter((id) => !original.includes(id));
  const replicas = [...wanted, ...removing];
  const isr = replicas.filter((id) => partition.isr.includes(id));
  if (isr.length === 0) return null;
  const change = { replicas, adding, removing, isr };
  return { ...change, ...movedLeader(partition, replicas, isr, alive) };
}

/** A leader among `replicas`, where that is not the one there is and one of them may. */
export function movedLeader(
  { leader }: PartitionImage,
  replicas: readonly number[],
  isr: readonly number[],
  alive: ReadonlySet<number>,
): Pick<PartitionChange, "leader"> {
  if (replicas.includes(leader) && alive.has(leader)) return {};
  const elected = electLeader({ leader: NO_LEADER, replicas, isr }, alive);
  return replicas.includes(elected) ? { leader: elected } : {};
}

export interface OngoingReassignments {
  readonly name: string;
  readonly partitions: readonly OngoingReassignment[];
}

export interface OngoingReassignment {
  readonly partition: number;
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

export interface ListedTopic {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

/** Null asks for all. What is unknown or not moving is left out, as in Kafka. */
export function listReassignments(
  image: MetadataImage,
  asked: readonly ListedTopic[] | null,
): OngoingReassignments[] {
  const named = asked ?? [...image.topics.keys()].map((name) => ({ name, partitionIndexes: null }));
  return named.flatMap(({ name, partitionIndexes }) => {
    const all = image.topics.get(name)?.partitions ?? [];
    const partitions = [...(partitionIndexes ?? all.keys())].flatMap((partition) => {
      const found = all[partition];
      if (found === undefined || !isReassigning(found)) return [];
      const { replicas, adding, removing } = found;
      return { partition, replicas, adding, removing };
    });
    return partitions.length === 0 ? [] : { name, partitions };
  });
}
