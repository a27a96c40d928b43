import { ErrorCode } from "@tarpan/protocol";
import { contains } from "./assignment.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type Member, MemberEpoch, newMember } from "./member.ts";
import { type HeartbeatAnswer, type HeartbeatRequest, refused } from "./requests.ts";

/** Who a heartbeat is from. */
export interface Admission {
  /** The member as it was; one that is new has nothing yet. */
  readonly member: Member;
  readonly isNew: boolean;
  /** The former self of a static member, whose place it takes. */
  readonly replaced: Member | null;
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
    const why = `the group has ${maxSize} members, the limit`;
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
  holder: Member | undefined,
  memberId: string,
): Admission | HeartbeatAnswer {
  if (holder === undefined || holder.memberId === memberId) {
    const known = holder ?? group.members.get(memberId);
    const isNew = known === undefined;
    return { member: known ?? newMember(memberId), isNew, replaced: null };
  }
  // Members of both protocols may trade places; within this one the former self must have left.
  if (holder.epoch !== MemberEpoch.leaveStatic && holder.classic === null) {
    const why = `member ${holder.memberId} has this instance id and has not left`;
    return refused(ErrorCode.UNRELEASED_INSTANCE_ID, why);
  }
  return replacing(holder, memberId);
}

/** A static member under its new id, with all that its former self had. */
export function replacing(holder: Member, memberId: string): Admission {
  const epoch = MemberEpoch.join;
  const member = { ...holder, memberId, epoch, previousEpoch: epoch };
  return { member, isNew: false, replaced: holder };
}

export function unknownMember(name: string): HeartbeatAnswer {
  return refused(ErrorCode.UNKNOWN_MEMBER_ID, `the group has no member ${name}`);
}

export function fencedInstance({ memberId }: Member): HeartbeatAnswer {
  return refused(ErrorCode.FENCED_INSTANCE_ID, `member ${memberId} has this instance id now`);
}

/**
 * A member that is one epoch behind may have missed our answer, if it claims no more than it has.
 */
function validateEpoch(member: Member, request: HeartbeatRequest): HeartbeatAnswer | null {
  const { memberEpoch, topicPartitions } = request;
  if (memberEpoch === member.epoch) return null;
  const behind = memberEpoch < member.epoch && memberEpoch === member.previousEpoch;
  if (behind && topicPartitions !== null && contains(member.assigned, topicPartitions)) return null;
  const why = `the member is at epoch ${member.epoch}: give up all partitions and join again`;
  return refused(ErrorCode.FENCED_MEMBER_EPOCH, why);
}
