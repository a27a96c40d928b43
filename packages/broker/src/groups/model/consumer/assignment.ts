/** Partition numbers by topic id. A topic without partitions has no entry. */
export type Assignment = ReadonlyMap<string, ReadonlySet<number>>;

/** The partitions of a topic, in the form of requests, responses and records. */
export interface TopicPartitions {
  readonly topicId: string;
  readonly partitions: readonly number[];
}

/** The member epoch at which each partition was assigned, by topic id and partition (KIP-1251). */
export type AssignmentEpochs = ReadonlyMap<string, ReadonlyMap<number, number>>;

export const NO_PARTITIONS: Assignment = new Map();
export const NO_EPOCHS: AssignmentEpochs = new Map();

export function assignmentOf(topics: readonly TopicPartitions[]): Assignment {
  const assignment = new Map<string, Set<number>>();
  for (const { topicId, partitions } of topics) {
    for (const partition of partitions) addTo(assignment, topicId, partition);
  }
  return assignment;
}

/** In ascending order, so that equal assignments are recorded as equal bytes. */
export function topicPartitionsOf(
  assignment: Assignment,
): { topicId: string; partitions: number[] }[] {
  return [...assignment.keys()].sort().map((topicId) => ({
    topicId,
    partitions: [...assignment.get(topicId)!].sort((a, b) => a - b),
  }));
}

export function addTo(into: Map<string, Set<number>>, topicId: string, partition: number): void {
  const partitions = into.get(topicId);
  if (partitions === undefined) into.set(topicId, new Set([partition]));
  else partitions.add(partition);
}

/** The epoch of each partition of `topics`, from `epochOf`. */
export function epochsOf(
  topics: Iterable<readonly [topicId: string, partitions: Iterable<number>]>,
  epochOf: (topicId: string, partition: number) => number,
): AssignmentEpochs {
  const epochs = new Map<string, Map<number, number>>();
  for (const [topicId, partitions] of topics) {
    const known = epochs.get(topicId) ?? new Map<number, number>();
    epochs.set(topicId, known);
    for (const partition of partitions) known.set(partition, epochOf(topicId, partition));
  }
  return epochs;
}

export function has(assignment: Assignment, topicId: string, partition: number): boolean {
  return assignment.get(topicId)?.has(partition) ?? false;
}

export function contains(assignment: Assignment, other: readonly TopicPartitions[]): boolean {
  return other.every(({ topicId, partitions }) =>
    partitions.every((partition) => has(assignment, topicId, partition)),
  );
}

export function intersects(assignment: Assignment, other: readonly TopicPartitions[]): boolean {
  return other.some(({ topicId, partitions }) =>
    partitions.some((partition) => has(assignment, topicId, partition)),
  );
}

export function sameAssignment(a: Assignment, b: Assignment): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others?.size !== partitions.size) return false;
    for (const partition of partitions) if (!others.has(partition)) return false;
  }
  return true;
}

/** The partitions of `assignment` for which `keep` returns true. */
export function filtered(
  assignment: Assignment,
  keep: (topicId: string, partition: number) => boolean,
): Map<string, Set<number>> {
  const kept = new Map<string, Set<number>>();
  for (const [topicId, partitions] of assignment) {
    for (const partition of partitions) {
      if (keep(topicId, partition)) addTo(kept, topicId, partition);
    }
  }
  return kept;
}

export function union(a: Assignment, b: Assignment): Map<string, Set<number>> {
  const both = filtered(a, () => true);
  for (const [topicId, partitions] of b) {
    for (const partition of partitions) addTo(both, topicId, partition);
  }
  return both;
}

export function sizeOf(assignment: Assignment): number {
  let size = 0;
  for (const partitions of assignment.values()) size += partitions.size;
  return size;
}
