/** The records of a consumer group, which are Kafka's. A null value is a tombstone. */
import type { GroupRecord, GroupValue } from "@tarpan/protocol";
import type { OffsetRecord } from "../offset-store.ts";
import {
  type Assignment,
  type AssignmentEpochs,
  assignmentOf,
  topicPartitionsOf,
} from "./assignment.ts";
import { type ConsumerMember, heldSince } from "./member.ts";

export type ConsumerRecord = Exclude<
  GroupRecord,
  { record: OffsetRecord["record"] | "GroupMetadata" }
>;

export interface ResolvedRegex {
  readonly topics: readonly string[];
  /** Wall clock of the resolution, ms. */
  readonly timestampMs: number;
}

export function epochRecord(groupId: string, epoch: number, metadataHash: bigint): ConsumerRecord {
  return { record: "ConsumerGroupMetadata", key: { groupId }, value: { epoch, metadataHash } };
}

export function memberRecord(groupId: string, member: ConsumerMember): ConsumerRecord {
  return {
    record: "ConsumerGroupMemberMetadata",
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames],
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic,
    },
  };
}

export function targetRecord(
  groupId: string,
  memberId: string,
  target: Assignment,
): ConsumerRecord {
  return {
    record: "ConsumerGroupTargetAssignmentMember",
    key: { groupId, memberId },
    value: { topicPartitions: topicPartitionsOf(target) },
  };
}

export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): ConsumerRecord {
  return {
    record: "ConsumerGroupTargetAssignmentMetadata",
    key: { groupId },
    value: { assignmentEpoch, assignmentTimestamp },
  };
}

export function currentRecord(groupId: string, member: ConsumerMember): ConsumerRecord {
  return {
    record: "ConsumerGroupCurrentMemberAssignment",
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.epoch,
      previousMemberEpoch: member.previousEpoch,
      state: member.state,
      assignedPartitions: ownedPartitions(member, member.assigned),
      partitionsPendingRevocation: ownedPartitions(member, member.revoking),
    },
  };
}

function ownedPartitions(member: ConsumerMember, assignment: Assignment) {
  return topicPartitionsOf(assignment).map(({ topicId, partitions }) => ({
    topicId,
    partitions,
    assignmentEpochs: partitions.map((partition) => heldSince(member, topicId, partition)),
  }));
}

export function regexRecord(
  groupId: string,
  regularExpression: string,
  { topics, timestampMs }: ResolvedRegex,
): ConsumerRecord {
  return {
    record: "ConsumerGroupRegularExpression",
    key: { groupId, regularExpression },
    // The version of Kafka's metadata image. Kafka resolves the expression anew when it is old.
    value: { topics: [...topics], version: 0, timestamp: timestampMs },
  };
}

export function regexTombstone(groupId: string, regularExpression: string): ConsumerRecord {
  const key = { groupId, regularExpression };
  return { record: "ConsumerGroupRegularExpression", key, value: null };
}

/** In the order that Kafka needs: a member's assignments are removed before the member. */
export function memberTombstones(groupId: string, memberId: string): ConsumerRecord[] {
  const key = { groupId, memberId };
  return [
    { record: "ConsumerGroupCurrentMemberAssignment", key, value: null },
    { record: "ConsumerGroupTargetAssignmentMember", key, value: null },
    { record: "ConsumerGroupMemberMetadata", key, value: null },
  ];
}

export function groupTombstones(groupId: string): ConsumerRecord[] {
  const key = { groupId };
  return [
    { record: "ConsumerGroupTargetAssignmentMetadata", key, value: null },
    { record: "ConsumerGroupMetadata", key, value: null },
  ];
}

/** The member with the description that was recorded. */
export function withDescription(
  member: ConsumerMember,
  value: GroupValue<"ConsumerGroupMemberMetadata">,
): ConsumerMember {
  const { classicMemberMetadata, ...description } = value;
  return { ...member, ...description, classic: classicMemberMetadata };
}

/** The member with the assignment that was recorded. */
export function withAssignment(
  member: ConsumerMember,
  value: GroupValue<"ConsumerGroupCurrentMemberAssignment">,
): ConsumerMember {
  return {
    ...member,
    epoch: value.memberEpoch,
    previousEpoch: value.previousMemberEpoch,
    state: value.state,
    assigned: assignmentOf(value.assignedPartitions),
    revoking: assignmentOf(value.partitionsPendingRevocation),
    since: recordedEpochs(value),
  };
}

/** Records from before KIP-1251 have no epochs: the member epoch stands for each of them. */
function recordedEpochs({
  memberEpoch,
  assignedPartitions,
  partitionsPendingRevocation,
}: GroupValue<"ConsumerGroupCurrentMemberAssignment">): AssignmentEpochs {
  const since = new Map<string, Map<number, number>>();
  for (const topic of [...assignedPartitions, ...partitionsPendingRevocation]) {
    const { topicId, partitions, assignmentEpochs } = topic;
    const epochs = since.get(topicId) ?? new Map<number, number>();
    since.set(topicId, epochs);
    const recorded = assignmentEpochs?.length === partitions.length ? assignmentEpochs : null;
    for (const [i, partition] of partitions.entries()) {
      epochs.set(partition, recorded?.[i] ?? Math.max(memberEpoch, 0));
    }
  }
  return since;
}
