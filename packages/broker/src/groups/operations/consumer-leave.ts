import { ErrorCode } from "@tarpan/protocol";
import { fenceMembers } from "../migration/fence-members.ts";
import { fencedInstance, unknownMember } from "../model/consumer/admission.ts";
import { NO_EPOCHS, NO_PARTITIONS } from "../model/consumer/assignment.ts";
import { MemberEpoch } from "../model/consumer/member.ts";
import { currentRecord } from "../model/consumer/records.ts";
import {
  type HeartbeatAnswer,
  type HeartbeatRequest,
  noSuchGroup,
} from "../model/consumer/requests.ts";
import type { GroupTurn } from "../turn.ts";

/** A heartbeat with epoch -1, or -2 from a static member that leaves temporarily. */
export function leave(turn: GroupTurn, request: HeartbeatRequest): HeartbeatAnswer {
  const { groupId, memberId, instanceId, memberEpoch } = request;
  const group = turn.state.groups.get(groupId);
  if (group?.kind !== "consumer") return noSuchGroup(groupId);
  const member = instanceId === null ? group.members.get(memberId) : group.staticMember(instanceId);
  if (member === undefined) return unknownMember(instanceId ?? memberId);
  if (member.memberId !== memberId) return fencedInstance(member);
  const logFields = { group: groupId, epoch: group.epoch };
  if (memberEpoch === MemberEpoch.leaveStatic) {
    turn.state.log.left(logFields, member, "the static member leaves temporarily");
    // It keeps its assignment until its session ends; the partitions to revoke are free at once.
    const away = { ...member, epoch: memberEpoch, revoking: NO_PARTITIONS, since: NO_EPOCHS };
    turn.append(currentRecord(groupId, away));
  } else {
    turn.state.log.left(logFields, member);
    fenceMembers(turn, group, [member], "a member left");
  }
  return { errorCode: ErrorCode.NONE, memberId, memberEpoch, heartbeatIntervalMs: 0 };
}
