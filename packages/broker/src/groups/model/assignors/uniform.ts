import { type Assignment, addTo, has } from "../consumer/assignment.ts";
import { type AssignorMember, type AssignorTopic, compareBy } from "./assignor.ts";

/** A member and the partitions that it has been given so far. */
interface Assignee {
  readonly member: AssignorMember;
  readonly partitions: Map<string, Set<number>>;
  size: number;
}

/**
 * Kafka's `uniform`: as even as the subscriptions allow, and sticky: a partition moves only when
 * that makes the assignment more even.
 *
 * When all members are subscribed to the same topics, their numbers of partitions differ by at most
 * one. Otherwise no move of a single partition would make two members more even.
 */
export function assignUniformly(
  members: readonly AssignorMember[],
  topics: ReadonlyMap<string, AssignorTopic>,
): Map<string, Assignment> {
  const assignees = [...members].sort(compareBy(({ memberId }) => memberId)).map(newAssignee);
  const unassigned = keepCurrent(assignees, topics);
  if (assignees.length > 0) {
    const isHomogeneous = assignees.every(({ member }) => member.topicIds === members[0]!.topicIds);
    if (isHomogeneous) assignHomogeneous(assignees, unassigned);
    else assignHeterogeneous(assignees, unassigned);
  }
  return new Map(assignees.map(({ member, partitions }) => [member.memberId, partitions]));
}

function newAssignee(member: AssignorMember): Assignee {
  return { member, partitions: new Map(), size: 0 };
}

function give(assignee: Assignee, topicId: string, partition: number): void {
  addTo(assignee.partitions, topicId, partition);
  assignee.size++;
}

function take(assignee: Assignee, topicId: string, partition: number): void {
  const partitions = assignee.partitions.get(topicId)!;
  partitions.delete(partition);
  if (partitions.size === 0) assignee.partitions.delete(topicId);
  assignee.size--;
}

type Partition = readonly [topicId: string, partition: number];

/** Members keep the partitions of topics they are still subscribed to. Returns all others. */
function keepCurrent(
  assignees: readonly Assignee[],
  topics: ReadonlyMap<string, AssignorTopic>,
): Partition[] {
  const kept = new Map<string, Set<number>>();
  const subscribed = new Set<string>();
  for (const assignee of assignees) {
    for (const topicId of assignee.member.topicIds) {
      subscribed.add(topicId);
      const count = topics.get(topicId)!.partitionCount;
      for (const partition of assignee.member.current.get(topicId) ?? []) {
        if (partition >= count || has(kept, topicId, partition)) continue;
        addTo(kept, topicId, partition);
        give(assignee, topicId, partition);
      }
    }
  }
  const unassigned: Partition[] = [];
  for (const topicId of [...subscribed].sort()) {
    const count = topics.get(topicId)!.partitionCount;
    for (let partition = 0; partition < count; partition++) {
      if (!has(kept, topicId, partition)) unassigned.push([topicId, partition]);
    }
  }
  return unassigned;
}

/** For members with the same topics: each may get any partition. */
function assignHomogeneous(assignees: readonly Assignee[], unassigned: Partition[]): void {
  const total = assignees.reduce((sum, { size }) => sum + size, unassigned.length);
  const minQuota = Math.floor(total / assignees.length);
  // The members with the most partitions get the larger quota, so that fewer partitions move.
  const bySize = [...assignees].sort((a, b) => b.size - a.size);
  const quotas = new Map(
    bySize.map((assignee, i) => [assignee, minQuota + Number(i < total % assignees.length)]),
  );
  for (const assignee of assignees) unassigned.push(...surplus(assignee, quotas.get(assignee)!));
  // One partition per round, so that neighbouring partitions of a topic go to different members.
  let belowQuota = assignees.filter((assignee) => assignee.size < quotas.get(assignee)!);
  for (let next = 0; next < unassigned.length; ) {
    for (const assignee of belowQuota) {
      const partition = unassigned[next++];
      if (partition !== undefined) give(assignee, ...partition);
    }
    belowQuota = belowQuota.filter((assignee) => assignee.size < quotas.get(assignee)!);
  }
}

/** Takes the partitions beyond the quota, from the topics of which the member has most. */
function surplus(assignee: Assignee, quota: number): Partition[] {
  if (assignee.size <= quota) return [];
  const topics = [...assignee.partitions]
    .map(([topicId, partitions]) => ({ topicId, left: [...partitions].sort((a, b) => a - b) }))
    .sort(compareBy(({ topicId }) => topicId));
  const taken: Partition[] = [];
  while (assignee.size > quota) {
    const { topicId, left } = topics.reduce((most, topic) =>
      topic.left.length > most.left.length ? topic : most,
    );
    const partition = left.pop()!;
    take(assignee, topicId, partition);
    taken.push([topicId, partition]);
  }
  return taken;
}

/** Topics with few subscribers first: those with many then even out what is left uneven. */
function assignHeterogeneous(assignees: readonly Assignee[], unassigned: Partition[]): void {
  const subscribers = new Map<string, Assignee[]>();
  for (const assignee of assignees) {
    for (const topicId of assignee.member.topicIds) {
      const known = subscribers.get(topicId);
      if (known === undefined) subscribers.set(topicId, [assignee]);
      else known.push(assignee);
    }
  }
  const topicIds = [...subscribers.keys()].sort();
  topicIds.sort((a, b) => subscribers.get(a)!.length - subscribers.get(b)!.length);
  const rank = new Map(topicIds.map((topicId, i) => [topicId, i]));
  for (const [topicId, partition] of unassigned.sort(([a], [b]) => rank.get(a)! - rank.get(b)!)) {
    give(extreme(subscribers.get(topicId)!, -1)!, topicId, partition);
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (const topicId of topicIds) moved = evenOut(topicId, subscribers.get(topicId)!) || moved;
  }
}

/**
 * Moves partitions of one topic from the holder with the most partitions to the subscriber with the
 * fewest, while that makes the two more even. Ends, because every move lowers the sum of the
 * squares of all sizes.
 */
function evenOut(topicId: string, subscribers: readonly Assignee[]): boolean {
  for (let moved = false; ; moved = true) {
    const holders = subscribers.filter(({ partitions }) => partitions.has(topicId));
    const fullest = extreme(holders, 1);
    const emptiest = extreme(subscribers, -1)!;
    if (fullest === undefined || fullest.size - emptiest.size < 2) return moved;
    const [partition = 0] = fullest.partitions.get(topicId)!;
    take(fullest, topicId, partition);
    give(emptiest, topicId, partition);
  }
}

/** The assignee with the most (1) or fewest (-1) partitions; of several the first. */
function extreme(assignees: readonly Assignee[], sign: 1 | -1): Assignee | undefined {
  let found = assignees[0];
  for (const assignee of assignees) if ((assignee.size - found!.size) * sign > 0) found = assignee;
  return found;
}
