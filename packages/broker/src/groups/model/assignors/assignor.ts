import type { Assignment } from "../consumer/assignment.ts";

/** A member as an assignor sees it. */
export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Ids of existing topics, sorted. Members with the same topics share one array. */
  readonly topicIds: readonly string[];
  /** What the last target assignment gave it. */
  readonly current: Assignment;
}

export interface AssignorTopic {
  readonly topicId: string;
  readonly partitionCount: number;
}

/**
 * Decides who shall have which partition. Pure and deterministic: the order of its arguments does
 * not matter. Every partition of a topic with subscribers goes to exactly one of them.
 */
export type Assignor = (
  members: readonly AssignorMember[],
  topics: ReadonlyMap<string, AssignorTopic>,
) => Map<string, Assignment>;

export function byText<T>(text: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [text(a), text(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}
