import type { TopicPartition } from "../../connection/offsets.ts";

/** A member of the group, as the group's leader sees it. */
export interface AssignorMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  /** The partitions that it claims to own. */
  readonly owned: readonly TopicPartition[];
  /** The generation in which it owned them; -1 if the member does not say. */
  readonly generation: number;
}

/** Partitions by member id, with an entry for every member. */
export type GroupAssignment = Map<string, TopicPartition[]>;

/** The number of partitions of each topic that exists. */
export type PartitionCounts = ReadonlyMap<string, number>;

/** How the leader of a group assigns partitions: Kafka's ConsumerPartitionAssignor. */
export interface Assignor {
  /** All members must offer an assignor of this name. */
  readonly name: string;
  /**
   * Whether members keep their partitions during a rebalance (KIP-429). `assign` must then not give
   * a member a partition that another one still owns.
   */
  readonly cooperative: boolean;
  assign(members: readonly AssignorMember[], counts: PartitionCounts): GroupAssignment;
  /** Bytes that a member adds to its subscription when it joins. */
  userData?(owned: readonly TopicPartition[], generation: number): Uint8Array;
  /** Parses the bytes of `userData`; throws if they are malformed. */
  readUserData?(bytes: Uint8Array): Partial<Pick<AssignorMember, "owned" | "generation">>;
}

/**
 * Static members first, sorted by instance id: a restart changes only their member id, and must not
 * change the order.
 */
export function sortedMembers(members: readonly AssignorMember[]): AssignorMember[] {
  return [...members].sort((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null)
      return compare(a.groupInstanceId, b.groupInstanceId);
    if (a.groupInstanceId !== null) return -1;
    if (b.groupInstanceId !== null) return 1;
    return compare(a.memberId, b.memberId);
  });
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function emptyAssignment(members: readonly AssignorMember[]): GroupAssignment {
  return new Map(members.map(({ memberId }) => [memberId, []]));
}

/** Every partition of the topics that members subscribe to, sorted by topic and number. */
export function partitionsOf(
  members: readonly AssignorMember[],
  counts: PartitionCounts,
): TopicPartition[] {
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort(compare);
  return topics.flatMap((topic) =>
    Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
  );
}
