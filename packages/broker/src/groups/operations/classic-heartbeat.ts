import { ErrorCode, type Heartbeat, type RequestOf } from "@tarpan/protocol";
import { armSession } from "../model/classic/sessions.ts";
import type { Turn } from "../model/classic/turn.ts";
import { heartbeatConsumerGroup } from "../model/consumer/index.ts";
import type { Operation } from "../operation.ts";

type Request = RequestOf<typeof Heartbeat>;

/** Answers an error code. Looks at one group, whatever else there is. */
export function heartbeat(request: Request): Operation<number> {
  return (state, context, effects, reply) => {
    const errorCode = decide({ state, context, effects }, request);
    const { groupId, memberId, generationId } = request;
    context.log.heartbeat(groupId, memberId, generationId, errorCode);
    effects.reply(reply, errorCode);
  };
}

function decide(turn: Turn, request: Request): number {
  const { groupId, memberId, groupInstanceId, generationId } = request;
  if (groupId === "") return ErrorCode.INVALID_GROUP_ID;
  const group = turn.state.groups.get(groupId);
  if (group?.kind === "consumer") return heartbeatConsumerGroup(turn, group, request);
  if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  const { live } = group;
  const errorCode = group.judgeMember(memberId, groupInstanceId);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (generationId !== live.generation) return ErrorCode.ILLEGAL_GENERATION;
  armSession(turn, group, live.members.get(memberId)!);
  const rebalancing = live.state === "PreparingRebalance";
  return rebalancing ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
