import { electLeader } from "./elect-leader.ts";
import { type MetadataImage, NO_LEADER, type PartitionImage } from "./image.ts";
import type { PartitionChange } from "./records.ts";

/**
 * Whether a reassignment is under way (KIP-455). Then `replicas` are the target replicas in their
 * order, followed by those that are removed; `adding` and `removing` are empty without one.
 */
export function isReassigning({ adding, removing }: PartitionImage): boolean {
  return adding.length > 0 || removing.length > 0;
}

/** The replicas of the partition, or, during a reassignment, those that it will have. */
export function targetReplicas({ replicas, removing }: PartitionImage): readonly number[] {
  return removing.length === 0 ? replicas : replicas.filter((id) => !removing.includes(id));
}

/** The replicas before the reassignment. */
function originalReplicas({ replicas, adding }: PartitionImage): readonly number[] {
  return replicas.filter((id) => !adding.includes(id));
}

/**
 * Begins a reassignment to `target`, or cancels the present one if `target` is null. Returns null
 * if no replica in sync would be left. Replicas that an earlier reassignment was adding, and that
 * are no target now, are removed at once, as KIP-455 says; Kafka's controller would keep them among
 * the replicas to which a cancellation returns.
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

/** A new leader among `replicas`, if the present one is none of them, or is not alive. */
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

export interface TopicReassignments {
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

/** `asked` null means all. As in Kafka, partitions that are unknown or not moving are omitted. */
export function listReassignments(
  image: MetadataImage,
  asked: readonly ListedTopic[] | null,
): TopicReassignments[] {
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
