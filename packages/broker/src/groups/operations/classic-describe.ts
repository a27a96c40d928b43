import { type DescribeGroups, ErrorCode, errorOf, type ResponseInput } from "@tarpan/protocol";
import { fitting } from "../../metadata/outcome.ts";
import type { ClassicGroup } from "../model/classic/group.ts";
import { metadataOf } from "../model/classic/member.ts";
import { EMPTY_BYTES } from "../model/classic/records.ts";
import type { GroupState } from "../model/state.ts";
import type { GroupOperation } from "../turn.ts";

export type DescribedGroup = ResponseInput<typeof DescribeGroups>["groups"][number];

const NOTHING = { protocolType: "", protocolData: "", members: [] };

/** The state is `Dead` when the group does not exist, or is not a classic group. */
export function describeGroup(groupId: string): GroupOperation<DescribedGroup> {
  return (turn, reply) => turn.reply(reply, described(turn.state, groupId));
}

export function describeFailed(groupId: string, errorCode: number): DescribedGroup {
  const errorMessage = errorOf(errorCode).message;
  return { errorCode, errorMessage, groupId, groupState: "", ...NOTHING };
}

function described({ groups, offsets }: GroupState, groupId: string): DescribedGroup {
  const group = groups.get(groupId);
  if (group?.kind === "classic") return describedClassic(group);
  const empty = { errorCode: ErrorCode.NONE, groupId, ...NOTHING };
  if (group === undefined && offsets.hasGroup(groupId)) return { ...empty, groupState: "Empty" };
  const what = group === undefined ? "no group" : "no classic group";
  return { ...empty, groupState: "Dead", errorMessage: fitting(`there is ${what} ${groupId}`) };
}

/** Shows subscriptions only in Stable: before, each member has one for each of its protocols. */
function describedClassic({ groupId, live, recorded }: ClassicGroup): DescribedGroup {
  const protocol = live.state === "Stable" ? (live.protocol ?? "") : "";
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: live.state,
    protocolType: live.protocolType,
    protocolData: protocol,
    members: [...live.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: metadataOf(member, protocol) ?? EMPTY_BYTES,
      memberAssignment: recorded.members.get(member.memberId)?.assignment ?? EMPTY_BYTES,
    })),
  };
}
