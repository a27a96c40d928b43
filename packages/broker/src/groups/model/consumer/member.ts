import type { GroupValue } from "@tarpan/protocol";
import {
  type Assignment,
  type AssignmentEpochs,
  NO_EPOCHS,
  NO_PARTITIONS,
  sameAssignment,
} from "./assignment.ts";

/** Where a member stands between what it has and what it shall have; recorded as a number. */
export const MemberState = {
  /** Has all it shall have at its epoch. */
  stable: 0,
  /** Must give partitions up before it may move to the next epoch. */
  unrevokedPartitions: 1,
  /** Waits for partitions that others have yet to give up. */
  unreleasedPartitions: 2,
} as const;

/** Member epochs with a meaning of their own (KIP-848). */
export const MemberEpoch = { join: 0, leave: -1, leaveStatic: -2 } as const;

/** What a member that speaks the classic protocol said of itself (KIP-848, online migration). */
export type ClassicMetadata = NonNullable<
  GroupValue<"ConsumerGroupMemberMetadata">["classicMemberMetadata"]
>;

/** A member's description and assignment. Never changed: an update is another value. */
export interface Member {
  readonly memberId: string;
  /** Of a static member (KIP-345). */
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Sorted, without duplicates. */
  readonly subscribedTopicNames: readonly string[];
  /** Null or "" when it is subscribed to none. */
  readonly subscribedTopicRegex: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  /** Null for a member of the consumer protocol. */
  readonly classic: ClassicMetadata | null;

  readonly epoch: number;
  readonly previousEpoch: number;
  readonly state: number;
  readonly assigned: Assignment;
  /** Given up by the coordinator, not yet by the member: nobody else may have them. */
  readonly revoking: Assignment;
  /** Since when it has what it is assigned and what it must give up (KIP-1251). */
  readonly since: AssignmentEpochs;
}

/** The epoch since which a member has one of its partitions: its own, where none was recorded. */
export function heldSince({ since, epoch }: Member, topicId: string, partition: number): number {
  return since.get(topicId)?.get(partition) ?? Math.max(epoch, 0);
}

export function newMember(memberId: string): Member {
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

export function isReconciledTo(member: Member, assignmentEpoch: number): boolean {
  return member.state === MemberState.stable && member.epoch === assignmentEpoch;
}

export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]));
}

/** Whether both would be recorded by the same ConsumerGroupMemberMetadata. */
export function sameDescription(a: Member, b: Member): boolean {
  return (
    a.memberId === b.memberId &&
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    // A classic member's bytes are new with each join, so they count as changed.
    a.classic === b.classic &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames)
  );
}

/** Whether both would be recorded by the same ConsumerGroupCurrentMemberAssignment. */
export function sameProgress(a: Member, b: Member): boolean {
  return (
    a.epoch === b.epoch &&
    a.previousEpoch === b.previousEpoch &&
    a.state === b.state &&
    sameAssignment(a.assigned, b.assigned) &&
    sameAssignment(a.revoking, b.revoking)
  );
}
