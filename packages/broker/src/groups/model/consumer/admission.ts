import { ErrorCode } from "@tarpan/protocol";
import { contains } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, MemberEpoch, newMember } from "./member.ts";
import { type HeartbeatAnswer, type HeartbeatRequest, refused } from "./requests.ts";

/** The member that a heartbeat comes from. */
export interface Admission {
  /** The member before this heartbeat; a new member has no fields set yet. */
  readonly member: ConsumerMember;
  readonly isNew: boolean;
  /** The static member of the same instance id that this member replaces; null for none. */
  readonly replaced: ConsumerMember | null;
}

export function isRefused<T extends object>(
  outcome: T | HeartbeatAnswer,
): outcome is HeartbeatAnswer {
  return "errorCode" in outcome;
}

export function admit(
  group: ConsumerGroup,
  request: HeartbeatRequest,
  memberId: string,
  maxSize: number,
): Admission | HeartbeatAnswer {
  const { instanceId, memberEpoch } = request;
  const holder = group.staticMember(instanceId);
  const isMember = group.members.has(memberId);
  if (group.members.size >= maxSize && holder === undefined && !isMember) {
    const why = `the group is full: group.consumer.max.size is ${maxSize}`;
    return refused(ErrorCode.GROUP_MAX_SIZE_REACHED, why);
  }
  if (memberEpoch === MemberEpoch.join) return admitJoining(group, holder, memberId);
  const member = instanceId === null ? group.members.get(memberId) : holder;
  if (member === undefined) return unknownMember(instanceId ?? memberId);
  if (member.memberId !== memberId) return fencedInstance(member);
  return validateEpoch(member, request) ?? { member, isNew: false, replaced: null };
}

function admitJoining(
  group: ConsumerGroup,
  holder: ConsumerMember | undefined,
  memberId: string,
): Admission | HeartbeatAnswer {
  if (holder === undefined || holder.memberId === memberId) {
    const known = holder ?? group.members.get(memberId);
    const isNew = known === undefined;
    return { member: known ?? newMember(memberId), isNew, replaced: null };
  }
  // A static member of this protocol has to leave (epoch -2) first; a classic one need not.
  if (holder.epoch !== MemberEpoch.leaveStatic && holder.classic === null) {
    const why = `member ${holder.memberId} has this instance id and has not left the group`;
    return refused(ErrorCode.UNRELEASED_INSTANCE_ID, why);
  }
  return replaceStaticMember(holder, memberId);
}

/** The static member `holder` under a new id, with the same description and assignment. */
export function replaceStaticMember(holder: ConsumerMember, memberId: string): Admission {
  const epoch = MemberEpoch.join;
  const member = { ...holder, memberId, epoch, previousEpoch: epoch };
  return { member, isNew: false, replaced: holder };
}

export function unknownMember(name: string): HeartbeatAnswer {
  return refused(ErrorCode.UNKNOWN_MEMBER_ID, `the group has no member ${name}`);
}

export function fencedInstance({ memberId }: ConsumerMember): HeartbeatAnswer {
  return refused(ErrorCode.FENCED_INSTANCE_ID, `member ${memberId} has this instance id now`);
}

/**
 * A member may send its previous epoch, because it may not have received the answer with its new
 * epoch, but only if it owns no more than it is assigned.
 */
function validateEpoch(member: ConsumerMember, request: HeartbeatRequest): HeartbeatAnswer | null {
  const { memberEpoch, topicPartitions } = request;
  if (memberEpoch === member.epoch) return null;
  const isPrevious = memberEpoch < member.epoch && memberEpoch === member.previousEpoch;
  if (isPrevious && topicPartitions !== null && contains(member.assigned, topicPartitions)) {
    return null;
  }
  const why = `the member is at epoch ${member.epoch}: release all partitions and join again`;
  return refused(ErrorCode.FENCED_MEMBER_EPOCH, why);
}
