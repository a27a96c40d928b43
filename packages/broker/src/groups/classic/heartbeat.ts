import { ErrorCode, type Heartbeat, type RequestOf } from "@tarpan/protocol";
import { heartbeatConsumerGroup } from "../consumer/index.ts";
import type { Operation } from "../operation.ts";
import { armSession } from "./sessions.ts";

/** Answers an error code. Looks at one group, whatever else there is. */
export function heartbeat(request: RequestOf<typeof Heartbeat>): Operation<number> {
  return (state, context, effects, reply) => {
    const { groupId, memberId, groupInstanceId, generationId } = request;
    if (groupId === "") return effects.reply(reply, ErrorCode.INVALID_GROUP_ID);
    const group = state.groups.get(groupId);
    if (group?.kind === "consumer") {
      const turn = { state, context, effects };
      return effects.reply(reply, heartbeatConsumerGroup(turn, group, request));
    }
    if (group === undefined) return effects.reply(reply, ErrorCode.UNKNOWN_MEMBER_ID);
    const { live } = group;
    const errorCode = group.judgeMember(memberId, groupInstanceId);
    if (errorCode !== ErrorCode.NONE) return effects.reply(reply, errorCode);
    if (generationId !== live.generation) return effects.reply(reply, ErrorCode.ILLEGAL_GENERATION);
    armSession({ state, context }, group, live.members.get(memberId)!);
    const rebalancing = live.state === "PreparingRebalance";
    effects.reply(reply, rebalancing ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE);
  };
}
