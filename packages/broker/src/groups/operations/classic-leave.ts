import { ErrorCode } from "@tarpan/protocol";
import type { ClassicGroup } from "../model/classic/group.ts";
import { rebalanceOrCompleteJoin } from "../model/classic/rebalance.ts";
import { removeMember } from "../model/classic/sessions.ts";
import type { Turn } from "../model/classic/turn.ts";
import { leaveConsumerGroup } from "../model/consumer/index.ts";
import type { Operation } from "../operation.ts";

/** Named by its id, or, by an operator, by its instance id alone. */
export interface Leaving {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** What the client says of it (KIP-800). */
  readonly reason?: string | null;
}

/** Each error is one member's; `errorCode` is the whole request's. */
export interface LeaveAnswer {
  readonly errorCode: number;
  readonly memberErrors: readonly number[];
}

export function leaveGroup(groupId: string, members: readonly Leaving[]): Operation<LeaveAnswer> {
  return (state, context, effects, reply) => {
    const answer = (errorCode: number, memberErrors: readonly number[]) =>
      effects.reply(reply, { errorCode, memberErrors });
    if (groupId === "") return answer(ErrorCode.INVALID_GROUP_ID, []);
    const group = state.groups.get(groupId);
    if (group?.kind === "consumer") {
      const turn = { state, context, effects };
      return answer(ErrorCode.NONE, leaveConsumerGroup(turn, group, members));
    }
    if (group === undefined) {
      return answer(
        ErrorCode.NONE,
        members.map(() => ErrorCode.UNKNOWN_MEMBER_ID),
      );
    }
    const turn = { state, context, effects };
    const errors = members.map((member) => removeLeaving(turn, group, member));
    answer(ErrorCode.NONE, errors);
    const someLeft = errors.includes(ErrorCode.NONE);
    if (someLeft && group.live.state !== "Empty") {
      rebalanceOrCompleteJoin(turn, group, "a member left");
    }
  };
}

function removeLeaving(turn: Turn, group: ClassicGroup, leaving: Leaving): number {
  const { live } = group;
  const { groupInstanceId } = leaving;
  const named = leaving.memberId !== "" || groupInstanceId === null;
  const memberId = named ? leaving.memberId : live.memberIdOf(groupInstanceId);
  if (memberId === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (!live.pendingJoins.has(memberId)) {
    const errorCode = group.judgeMember(memberId, groupInstanceId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
  }
  const member = live.members.get(memberId);
  if (member !== undefined) turn.context.log.left(group.named, member, leaving.reason);
  removeMember(turn, group, memberId);
  return ErrorCode.NONE;
}
