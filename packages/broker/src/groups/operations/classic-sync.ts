import { ErrorCode } from "@tarpan/protocol";
import type { Reply } from "../../coordinator/turn.ts";
import { MAX_GENERATION_BYTES } from "../limits.ts";
import { syncConsumerGroup } from "../migration/classic-members.ts";
import { answerSync, synced, syncRefused } from "../model/classic/answers.ts";
import type { ClassicGroup } from "../model/classic/group.ts";
import { ownBytes, type SyncAnswer } from "../model/classic/member.ts";
import { prepareRebalance, receivedSync } from "../model/classic/rebalance.ts";
import { EMPTY_BYTES, type GroupMetadataRecord, recordOf } from "../model/classic/records.ts";
import type { Sync } from "../model/classic/requests.ts";
import { armSession } from "../model/classic/sessions.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";

export function syncGroup(request: Sync): GroupOperation<SyncAnswer> {
  return (turn, reply) => {
    const answer = decideSync(turn, request, reply);
    if (answer !== null) turn.reply(reply, answer);
  };
}

/** Null until the leader has sent the assignments: the member keeps the reply. */
function decideSync(turn: GroupTurn, request: Sync, reply: Reply<SyncAnswer>): SyncAnswer | null {
  const { groupId, memberId } = request;
  if (groupId === "") return syncRefused(ErrorCode.INVALID_GROUP_ID);
  const group = turn.state.groups.get(groupId);
  if (group?.kind === "consumer") return syncConsumerGroup(turn, group, request);
  if (group === undefined) return syncRefused(ErrorCode.UNKNOWN_MEMBER_ID);
  const errorCode = validateSync(group, request);
  if (errorCode !== ErrorCode.NONE) return syncRefused(errorCode);
  receivedSync(turn, group, memberId);
  if (group.live.state === "Stable") {
    return synced(group, group.recorded.members.get(memberId)?.assignment ?? EMPTY_BYTES);
  }
  const member = group.live.members.get(memberId)!;
  // The client no longer waits for an earlier sync of this member, but every request is answered.
  answerSync(turn, member, syncRefused(ErrorCode.REBALANCE_IN_PROGRESS));
  member.sync = reply;
  if (group.live.leader === memberId) recordAssignments(turn, group, request);
  return null;
}

function validateSync(group: ClassicGroup, request: Sync): number {
  const { live } = group;
  const errorCode = group.validateMember(request.memberId, request.groupInstanceId);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  if (request.generationId !== live.generation) return ErrorCode.ILLEGAL_GENERATION;
  const { protocolType, protocolName } = request;
  const sameType = protocolType === null || protocolType === live.protocolType;
  const sameName = protocolName === null || protocolName === live.protocol;
  if (!sameType || !sameName) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  return live.state === "PreparingRebalance" ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

/** The leader has sent the assignments: records them, and answers every waiting member. */
function recordAssignments(turn: GroupTurn, group: ClassicGroup, { assignments }: Sync): void {
  const { live, groupId } = group;
  const byMember = new Map<string, Uint8Array>();
  for (const { memberId, assignment } of assignments) {
    if (live.members.has(memberId)) byMember.set(memberId, ownBytes(assignment));
  }
  // Before moveTo(): as in Kafka the record has the time at which the generation began.
  const record = recordOf(groupId, live, byMember);
  if (sizeBytesOf(record) > MAX_GENERATION_BYTES) {
    const why = "the subscriptions and assignments are too large to record";
    prepareRebalance(turn, group, why, ErrorCode.UNKNOWN_SERVER_ERROR);
    return;
  }
  turn.append(record);
  live.moveTo("Stable", turn.wallMs);
  turn.state.log.rebalanced(group.logFields, live.members.size, live.leader, live.protocol);
  for (const member of live.members.values()) {
    const answer = synced(group, byMember.get(member.memberId) ?? EMPTY_BYTES);
    if (answerSync(turn, member, answer)) armSession(turn, member);
  }
}

function sizeBytesOf({ value }: GroupMetadataRecord): number {
  let sizeBytes = 0;
  for (const { subscription, assignment } of value?.members ?? []) {
    sizeBytes += subscription.length + assignment.length;
  }
  return sizeBytes;
}
