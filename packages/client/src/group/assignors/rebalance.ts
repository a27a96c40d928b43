import { partitionKey, type TopicPartition } from "../../connection/offsets.ts";
import type { GroupAssignment } from "./assignor.ts";

type Topics = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Balances an assignment for members that subscribe to different topics. One partition at a time
 * moves from a member to one with at least two fewer, through other members if necessary. Each such
 * move lowers the sum of the squared sizes, so the loop ends. A balanced assignment is not changed.
 */
export function rebalance(
  assignment: GroupAssignment,
  free: readonly TopicPartition[],
  topicsOf: Topics,
): void {
  const readersOf = new Map<string, string[]>();
  for (const [member, topics] of topicsOf)
    for (const topic of topics) readersOf.set(topic, [...(readersOf.get(topic) ?? []), member]);
  const owned = new Set([...assignment.values()].flat().map(partitionKey));
  const size = (member: string) => assignment.get(member)!.length;
  const fewestReaders = [...free].sort(
    (a, b) => readersOf.get(a.topic)!.length - readersOf.get(b.topic)!.length,
  );
  for (const at of fewestReaders) {
    const smallest = readersOf.get(at.topic)!.reduce((a, b) => (size(b) < size(a) ? b : a));
    assignment.get(smallest)!.push(at);
  }
  const indexToMove = (own: readonly TopicPartition[], topic: string) => {
    const unowned = own.findIndex((at) => at.topic === topic && !owned.has(partitionKey(at)));
    return unowned < 0 ? own.findIndex((at) => at.topic === topic) : unowned;
  };
  let full = [...assignment.keys()];
  while (full.length > 0) {
    full.sort((a, b) => size(b) - size(a));
    const path = pathFrom(full[0]!, assignment, readersOf);
    if (path === null) full = full.slice(1);
    else {
      for (const { from, to, topic } of path) {
        const own = assignment.get(from)!;
        assignment.get(to)!.push(...own.splice(indexToMove(own, topic), 1));
      }
      full = [...assignment.keys()];
    }
  }
}

interface Move {
  readonly from: string;
  readonly to: string;
  readonly topic: string;
}

/** The fewest moves that bring a partition from `start` to a member with at least two fewer. */
function pathFrom(
  start: string,
  assignment: GroupAssignment,
  readersOf: ReadonlyMap<string, readonly string[]>,
): Move[] | null {
  const target = assignment.get(start)!.length - 2;
  const reached = new Map<string, Move | null>([[start, null]]);
  const seenTopics = new Set<string>();
  // Iterating a Map also visits entries added on the way, in order: a breadth-first search.
  for (const [from] of reached)
    for (const { topic } of assignment.get(from)!) {
      if (seenTopics.has(topic)) continue;
      seenTopics.add(topic);
      for (const to of readersOf.get(topic)!) {
        if (reached.has(to)) continue;
        reached.set(to, { from, to, topic });
        if (assignment.get(to)!.length <= target) return traced(reached, to);
      }
    }
  return null;
}

function traced(reached: ReadonlyMap<string, Move | null>, end: string): Move[] {
  const path: Move[] = [];
  for (let move = reached.get(end)!; move !== null; move = reached.get(move.from)!)
    path.unshift(move);
  return path;
}
