import { ErrorCode, type Heartbeat, type RequestOf } from "@tarpan/protocol";
import { heartbeatConsumerGroup } from "../migration/classic-members.ts";
import { armSession } from "../model/classic/sessions.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";

type Request = RequestOf<typeof Heartbeat>;

/** Replies an error code. The cost does not depend on the number of groups. */
export function heartbeat(request: Request): GroupOperation<number> {
  return (turn, reply) => {
    const errorCode = decide(turn, request);
    const { groupId, memberId, generationId } = request;
    turn.state.log.heartbeat(groupId, memberId, generationId, errorCode);
    turn.reply(reply, errorCode);
  };
}

function decide(turn: GroupTurn, request: Request): number {
  const { groupId, memberId, groupInstanceId, generationId } = request;
  if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
  const group = turn.state.groups.get(groupId);
  if (group?.kind === "consumer") return heartbeatConsumerGroup(turn, group, request);
  if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  const { live } = group;
  const errorCode = group.validateMember(memberId, groupInstanceId);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (generationId !== live.generation) return ErrorCode.ILLEGAL_GENERATION;
  armSession(turn, live.members.get(memberId)!);
  const rebalancing = live.state === "PreparingRebalance";
  return rebalancing ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
