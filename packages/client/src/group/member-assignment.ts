import type { ConsumerGroupHeartbeat, ResponseOf } from "@tarpan/protocol";
import type { TopicPartition } from "../connection/offsets.ts";

/** Partitions of topics, by the topic's id. */
export type MemberAssignment = ReadonlyMap<string, readonly number[]>;

export const NO_PARTITIONS: MemberAssignment = new Map();

type Answer = ResponseOf<typeof ConsumerGroupHeartbeat>;
type TopicPartitions = NonNullable<Answer["assignment"]>["topicPartitions"];

export function assignmentOf(list: TopicPartitions): MemberAssignment {
  return new Map(
    list.map(({ topicId, partitions }) => [topicId, [...partitions].sort((a, b) => a - b)]),
  );
}

export function topicPartitionsOf(assignment: MemberAssignment) {
  return [...assignment].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions],
  }));
}

export function sameAssignment(one: MemberAssignment, other: MemberAssignment): boolean {
  if (one.size !== other.size) return false;
  return [...one].every(([id, partitions]) => `${partitions}` === `${other.get(id)}`);
}

/** The assignment by name. Topics without a name are left out. */
export function named(
  assignment: MemberAssignment,
  nameOf: (topicId: string) => string | undefined,
): TopicPartition[] {
  return [...assignment].flatMap(([id, partitions]) => {
    const topic = nameOf(id);
    return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
  });
}
