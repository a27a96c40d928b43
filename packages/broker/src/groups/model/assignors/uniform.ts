import { type Assignment, addTo, has } from "../consumer/assignment.ts";
import { type AssignorMember, type AssignorTopic, byText } from "./assignor.ts";

/** A member while it is dealt partitions. */
interface Hand {
  readonly member: AssignorMember;
  readonly partitions: Map<string, Set<number>>;
  size: number;
}

/**
 * `uniform` of Kafka: as even as subscriptions allow, and sticky: what need not move stays.
 *
 * Where all members are subscribed to the same topics their numbers of partitions differ by one at
 * most. Elsewhere no single move of a partition would make two members more even.
 */
export function assignUniformly(
  members: readonly AssignorMember[],
  topics: ReadonlyMap<string, AssignorTopic>,
): Map<string, Assignment> {
  const hands = [...members].sort(byText(({ memberId }) => memberId)).map(emptyHand);
  const free = keepCurrent(hands, topics);
  if (hands.length > 0) {
    const alike = hands.every(({ member }) => member.topicIds === members[0]!.topicIds);
    if (alike) dealAlike(hands, free);
    else dealUnlike(hands, free);
  }
  return new Map(hands.map(({ member, partitions }) => [member.memberId, partitions]));
}

function emptyHand(member: AssignorMember): Hand {
  return { member, partitions: new Map(), size: 0 };
}

function give(hand: Hand, topicId: string, partition: number): void {
  addTo(hand.partitions, topicId, partition);
  hand.size++;
}

function take(hand: Hand, topicId: string, partition: number): void {
  const partitions = hand.partitions.get(topicId)!;
  partitions.delete(partition);
  if (partitions.size === 0) hand.partitions.delete(topicId);
  hand.size--;
}

type Partition = readonly [topicId: string, partition: number];

/** Leaves everyone what they had and may still have; returns the partitions that nobody has. */
function keepCurrent(
  hands: readonly Hand[],
  topics: ReadonlyMap<string, AssignorTopic>,
): Partition[] {
  const kept = new Map<string, Set<number>>();
  const subscribed = new Set<string>();
  for (const hand of hands) {
    for (const topicId of hand.member.topicIds) {
      subscribed.add(topicId);
      const count = topics.get(topicId)!.partitionCount;
      for (const partition of hand.member.current.get(topicId) ?? []) {
        if (partition >= count || has(kept, topicId, partition)) continue;
        addTo(kept, topicId, partition);
        give(hand, topicId, partition);
      }
    }
  }
  const free: Partition[] = [];
  for (const topicId of [...subscribed].sort()) {
    const count = topics.get(topicId)!.partitionCount;
    for (let partition = 0; partition < count; partition++) {
      if (!has(kept, topicId, partition)) free.push([topicId, partition]);
    }
  }
  return free;
}

/** All hands are subscribed to the same topics, so anyone may have anything. */
function dealAlike(hands: readonly Hand[], free: Partition[]): void {
  const total = hands.reduce((sum, { size }) => sum + size, free.length);
  const least = Math.floor(total / hands.length);
  // One more than the least goes to those that have it already, so that nothing moves for it.
  const byNeed = [...hands].sort((a, b) => b.size - a.size);
  const quotas = new Map(byNeed.map((hand, i) => [hand, least + Number(i < total % hands.length)]));
  for (const hand of hands) free.push(...surplus(hand, quotas.get(hand)!));
  // In turns, so that neighbouring partitions of a topic do not all end at one member.
  let wanting = hands.filter((hand) => hand.size < quotas.get(hand)!);
  for (let next = 0; next < free.length; ) {
    for (const hand of wanting) {
      const partition = free[next++];
      if (partition !== undefined) give(hand, ...partition);
    }
    wanting = wanting.filter((hand) => hand.size < quotas.get(hand)!);
  }
}

/** Takes what a hand has beyond its quota, from the topics it has most of. */
function surplus(hand: Hand, quota: number): Partition[] {
  if (hand.size <= quota) return [];
  const stacks = [...hand.partitions]
    .map(([topicId, partitions]) => ({ topicId, left: [...partitions].sort((a, b) => a - b) }))
    .sort(byText(({ topicId }) => topicId));
  const taken: Partition[] = [];
  while (hand.size > quota) {
    const { topicId, left } = stacks.reduce((most, stack) =>
      stack.left.length > most.left.length ? stack : most,
    );
    const partition = left.pop()!;
    take(hand, topicId, partition);
    taken.push([topicId, partition]);
  }
  return taken;
}

/** Topics of few subscribers are dealt first: those of many fill up what remains uneven. */
function dealUnlike(hands: readonly Hand[], free: Partition[]): void {
  const subscribers = new Map<string, Hand[]>();
  for (const hand of hands) {
    for (const topicId of hand.member.topicIds) {
      const known = subscribers.get(topicId);
      if (known === undefined) subscribers.set(topicId, [hand]);
      else known.push(hand);
    }
  }
  const topicIds = [...subscribers.keys()].sort();
  topicIds.sort((a, b) => subscribers.get(a)!.length - subscribers.get(b)!.length);
  const rank = new Map(topicIds.map((topicId, i) => [topicId, i]));
  for (const [topicId, partition] of free.sort(([a], [b]) => rank.get(a)! - rank.get(b)!)) {
    give(extreme(subscribers.get(topicId)!, -1)!, topicId, partition);
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (const topicId of topicIds) moved = level(topicId, subscribers.get(topicId)!) || moved;
  }
}

/**
 * Moves partitions of one topic from its fullest holder to its emptiest subscriber while that makes
 * them more even. Every move lowers the sum of squares of all sizes, so moving comes to an end.
 */
function level(topicId: string, subscribers: readonly Hand[]): boolean {
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

/** The fullest (1) or emptiest (-1) of `hands`, the first in order of several. */
function extreme(hands: readonly Hand[], sign: 1 | -1): Hand | undefined {
  let found = hands[0];
  for (const hand of hands) if ((hand.size - found!.size) * sign > 0) found = hand;
  return found;
}
