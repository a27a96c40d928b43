import { partitionKey, type TopicPartition } from "../../connection/offsets.ts";
import type { GroupAssignment } from "./assignor.ts";

type Topics = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Evens out an assignment where members subscribe to different topics. A member may pass partitions
 * on to one with at least two fewer, through others if need be. Each time the sum of the squares of
 * the sizes falls, so it ends; what is even already stays as it is.
 */
export function rebalance(
  assignment: GroupAssignment,
  free: readonly TopicPartition[],
  topicsOf: Topics,
): void {
  const readersOf = new Map<string, string[]>();
  for (const [member, topics] of topicsOf)
    for (const topic of topics) readersOf.set(topic, [...(readersOf.get(topic) ?? []), member]);
  const settled = new Set([...assignment.values()].flat().map(partitionKey));
  const size = (member: string) => assignment.get(member)!.length;
  const fewestReaders = [...free].sort(
    (a, b) => readersOf.get(a.topic)!.length - readersOf.get(b.topic)!.length,
  );
  for (const at of fewestReaders) {
    const smallest = readersOf.get(at.topic)!.reduce((a, b) => (size(b) < size(a) ? b : a));
    assignment.get(smallest)!.push(at);
  }
  const movable = (own: readonly TopicPartition[], topic: string) => {
    const fresh = own.findIndex((at) => at.topic === topic && !settled.has(partitionKey(at)));
    return fresh < 0 ? own.findIndex((at) => at.topic === topic) : fresh;
  };
  let full = [...assignment.keys()];
  while (full.length > 0) {
    full.sort((a, b) => size(b) - size(a));
    const path = pathFrom(full[0]!, assignment, readersOf);
    if (path === null) full = full.slice(1);
    else {
      for (const { from, to, topic } of path) {
        const own = assignment.get(from)!;
        assignment.get(to)!.push(...own.splice(movable(own, topic), 1));
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

/** The fewest moves that take one partition from `start` to somebody with at least two fewer. */
function pathFrom(
  start: string,
  assignment: GroupAssignment,
  readersOf: ReadonlyMap<string, readonly string[]>,
): Move[] | null {
  const target = assignment.get(start)!.length - 2;
  const reached = new Map<string, Move | null>([[start, null]]);
  const spread = new Set<string>();
  // A Map is walked in the order of insertion, additions included: breadth first.
  for (const [from] of reached)
    for (const { topic } of assignment.get(from)!) {
      if (spread.has(topic)) continue;
      spread.add(topic);
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
