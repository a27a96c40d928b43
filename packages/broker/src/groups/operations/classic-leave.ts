import { ErrorCode } from "@tarpan/protocol";
import { leaveConsumerGroup } from "../migration/classic-members.ts";
import type { ClassicGroup } from "../model/classic/group.ts";
import { rebalanceOrCompleteJoin } from "../model/classic/rebalance.ts";
import type { LeavingMember } from "../model/classic/requests.ts";
import { removeMember } from "../model/classic/sessions.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";

/** `memberErrors` in the order of the request; `errorCode` is about the whole request. */
export interface LeaveAnswer {
  readonly errorCode: number;
  readonly memberErrors: readonly number[];
}

export function leaveGroup(
  groupId: string,
  members: readonly LeavingMember[],
): GroupOperation<LeaveAnswer> {
  return (turn, reply) => {
    const answer = (errorCode: number, memberErrors: readonly number[]) =>
      turn.reply(reply, { errorCode, memberErrors });
    if (groupId === "") return answer(ErrorCode.INVALID_GROUP_ID, []);
    const group = turn.state.groups.get(groupId);
    if (group?.kind === "consumer") {
      return answer(ErrorCode.NONE, leaveConsumerGroup(turn, group, members));
    }
    if (group === undefined) {
      return answer(
        ErrorCode.NONE,
        members.map(() => ErrorCode.UNKNOWN_MEMBER_ID),
      );
    }
    const errors = members.map((member) => removeLeaving(turn, group, member));
    answer(ErrorCode.NONE, errors);
    const someLeft = errors.includes(ErrorCode.NONE);
    if (someLeft && group.live.state !== "Empty") {
      rebalanceOrCompleteJoin(turn, group, "a member left");
    }
  };
}

function removeLeaving(turn: GroupTurn, group: ClassicGroup, leaving: LeavingMember): number {
  const { live } = group;
  const { groupInstanceId } = leaving;
  const hasOwnId = leaving.memberId !== "" || groupInstanceId === null;
  const memberId = hasOwnId ? leaving.memberId : live.memberIdOf(groupInstanceId);
  if (memberId === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (!live.pendingJoins.has(memberId)) {
    const errorCode = group.validateMember(memberId, groupInstanceId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
  }
  const member = live.members.get(memberId);
  if (member !== undefined) turn.state.log.left(group.logFields, member, leaving.reason);
  removeMember(turn, group, memberId);
  return ErrorCode.NONE;
}
