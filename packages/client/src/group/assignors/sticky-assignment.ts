import { partitionKey, type TopicPartition } from "../../connection/offsets.ts";
import {
  type AssignorMember,
  emptyAssignment,
  type GroupAssignment,
  type PartitionCounts,
  partitionsOf,
  sortedMembers,
} from "./assignor.ts";
import { rebalance } from "./rebalance.ts";

/**
 * Assigns every partition: first as evenly as the subscriptions allow, then with as few moves away
 * from present owners as possible.
 */
export function stickyAssignment(
  members: readonly AssignorMember[],
  counts: PartitionCounts,
): GroupAssignment {
  const ordered = sortedMembers(members);
  const topicsOf = new Map(ordered.map(({ memberId, topics }) => [memberId, new Set(topics)]));
  const claims = ownersOf(members);
  const assignment = emptyAssignment(ordered);
  const free: TopicPartition[] = [];
  for (const at of partitionsOf(members, counts)) {
    const owner = claims.get(partitionKey(at)) ?? null;
    if (owner !== null && topicsOf.get(owner)!.has(at.topic)) assignment.get(owner)!.push(at);
    else free.push(at);
  }
  if (subscribeAlike(members)) assignEvenly(assignment, free);
  else rebalance(assignment, free, topicsOf);
  return assignment;
}

/**
 * The owner of each partition: the member that claims it with the newest generation. Null if
 * several claim it with the same generation: then none is trusted.
 */
export function ownersOf(members: readonly AssignorMember[]): Map<string, string | null> {
  const newest = new Map<string, number>();
  const claims = new Map<string, string | null>();
  for (const { memberId, owned, generation } of members)
    for (const at of owned) {
      const key = partitionKey(at);
      const before = newest.get(key);
      if (before !== undefined && generation < before) continue;
      claims.set(key, generation === before && claims.get(key) !== memberId ? null : memberId);
      newest.set(key, generation);
    }
  return claims;
}

/** Whether all members subscribe to the same topics. */
function subscribeAlike([first, ...others]: readonly AssignorMember[]): boolean {
  const topics = new Set(first!.topics);
  return others.every((member) => {
    const own = new Set(member.topics);
    return own.size === topics.size && member.topics.every((topic) => topics.has(topic));
  });
}

/**
 * For members with the same subscription: sizes differ by one at most, and the members with the
 * most partitions keep the extra one.
 */
function assignEvenly(assignment: GroupAssignment, free: readonly TopicPartition[]): void {
  const bySize = [...assignment.values()].sort((a, b) => b.length - a.length);
  const total = free.length + bySize.reduce((sum, own) => sum + own.length, 0);
  const share = Math.floor(total / bySize.length);
  const withOneMore = total % bySize.length;
  const quotas = bySize.map((own, index) => ({ own, quota: share + Number(index < withOneMore) }));
  const unassigned = [...free];
  for (const { own, quota } of quotas) unassigned.push(...own.splice(quota));
  let open = quotas.filter(({ own, quota }) => own.length < quota);
  for (let next = 0; next < unassigned.length; ) {
    for (const { own } of open) if (next < unassigned.length) own.push(unassigned[next++]!);
    open = open.filter(({ own, quota }) => own.length < quota);
  }
}
