import type { GroupValue } from "@tarpan/protocol";
import {
  type Assignment,
  type AssignmentEpochs,
  NO_EPOCHS,
  NO_PARTITIONS,
  sameAssignment,
} from "./assignment.ts";

/** How far a member is from its target assignment; Kafka's numbers, which are recorded. */
export const MemberState = {
  /** Has its whole target assignment. */
  stable: 0,
  /** Must revoke partitions before it may move to the next epoch. */
  unrevokedPartitions: 1,
  /** Waits for partitions that other members have yet to revoke. */
  unreleasedPartitions: 2,
} as const;

/** Member epochs with a meaning of their own (KIP-848). */
export const MemberEpoch = { join: 0, leave: -1, leaveStatic: -2 } as const;

/** Session time-out and protocols of a member of the classic protocol (KIP-848, migration). */
export type ClassicMetadata = NonNullable<
  GroupValue<"ConsumerGroupMemberMetadata">["classicMemberMetadata"]
>;

/** A member's description and assignment. Immutable: an update makes a new value. */
export interface ConsumerMember {
  readonly memberId: string;
  /** Set for a static member (KIP-345). */
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Sorted, without duplicates. */
  readonly subscribedTopicNames: readonly string[];
  /** Null or "" for none. */
  readonly subscribedTopicRegex: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  /** Null for a member of the consumer protocol. */
  readonly classic: ClassicMetadata | null;

  readonly epoch: number;
  readonly previousEpoch: number;
  readonly state: number;
  readonly assigned: Assignment;
  /** Partitions that the member has to revoke; no other member gets them until it confirms that. */
  readonly revoking: Assignment;
  /** The member epoch at which it got each assigned or revoking partition (KIP-1251). */
  readonly since: AssignmentEpochs;
}

/** The member epoch at which a member got a partition; its own epoch when none is recorded. */
export function heldSince(
  { since, epoch }: ConsumerMember,
  topicId: string,
  partition: number,
): number {
  return since.get(topicId)?.get(partition) ?? Math.max(epoch, 0);
}

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: "",
    clientHost: "",
    subscribedTopicNames: [],
    subscribedTopicRegex: null,
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classic: null,
    epoch: MemberEpoch.join,
    previousEpoch: MemberEpoch.join,
    state: MemberState.stable,
    assigned: NO_PARTITIONS,
    revoking: NO_PARTITIONS,
    since: NO_EPOCHS,
  };
}

export function isReconciledTo(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === MemberState.stable && member.epoch === assignmentEpoch;
}

export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]));
}

/** Whether both would be recorded by the same ConsumerGroupMemberMetadata. */
export function sameDescription(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.memberId === b.memberId &&
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    // By identity: each join of a classic member makes a new value, which counts as changed.
    a.classic === b.classic &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames)
  );
}

/** Whether both would be recorded by the same ConsumerGroupCurrentMemberAssignment. */
export function sameCurrentAssignment(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.epoch === b.epoch &&
    a.previousEpoch === b.previousEpoch &&
    a.state === b.state &&
    sameAssignment(a.assigned, b.assigned) &&
    sameAssignment(a.revoking, b.revoking)
  );
}
