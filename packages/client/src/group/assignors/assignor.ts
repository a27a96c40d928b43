import type { TopicPartition } from "../../connection/offsets.ts";

/** A member of the group as its leader sees it. */
export interface AssignorMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  /** What it says it has, with the generation that it had it in; -1 when it does not say. */
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
}

/** Partitions by member id; every member is in it. */
export type GroupAssignment = Map<string, TopicPartition[]>;

/** Numbers of partitions of the topics that exist. */
export type PartitionCounts = ReadonlyMap<string, number>;

/** How the leader of a group deals partitions out. Every member must offer it by the same name. */
export interface Assignor {
  readonly name: string;
  /**
   * Whether members keep their partitions while the group rebalances (KIP-429). `assign` must then
   * give nobody what another member still owns.
   */
  readonly cooperative: boolean;
  assign(members: readonly AssignorMember[], counts: PartitionCounts): GroupAssignment;
  /** What a member sends along when it joins. */
  userData?(owned: readonly TopicPartition[], generation: number): Uint8Array;
  /** What `userData` said; throws where it does not parse. */
  readUserData?(bytes: Uint8Array): Partial<Pick<AssignorMember, "owned" | "generation">>;
}

/**
 * Static members first, by their instance id, so that a restart (a new member id) changes nothing.
 */
export function inOrder(members: readonly AssignorMember[]): AssignorMember[] {
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

export function nothingAssigned(members: readonly AssignorMember[]): GroupAssignment {
  return new Map(members.map(({ memberId }) => [memberId, []]));
}

/** Every partition of the topics that anybody subscribes to, by topic and number. */
export function partitionsOf(
  members: readonly AssignorMember[],
  counts: PartitionCounts,
): TopicPartition[] {
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort(compare);
  return topics.flatMap((topic) =>
    Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
  );
}
