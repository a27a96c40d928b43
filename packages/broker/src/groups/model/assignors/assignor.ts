import type { Assignment } from "../consumer/assignment.ts";

/** A member as an assignor sees it. */
export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Ids of existing topics, sorted. Members with the same topics share one array. */
  readonly topicIds: readonly string[];
  /** Its target assignment so far. */
  readonly current: Assignment;
}

export interface AssignorTopic {
  readonly topicId: string;
  readonly partitionCount: number;
}

/**
 * Computes a target assignment. Pure and deterministic: the order of members and topics does not
 * matter. Every partition of a topic with subscribers goes to exactly one of them.
 */
export type Assignor = (
  members: readonly AssignorMember[],
  topics: ReadonlyMap<string, AssignorTopic>,
) => Map<string, Assignment>;

export function compareBy<T>(text: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [text(a), text(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}
