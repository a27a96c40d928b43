import { ErrorCode } from "@tarpan/protocol";
import { randomUuid } from "../../metadata/topic-ids.ts";
import { groupOfHeartbeat } from "../migration/group-of-heartbeat.ts";
import { type Admission, admit, isRefused } from "../model/consumer/admission.ts";
import { sameAssignment, topicPartitionsOf } from "../model/consumer/assignment.ts";
import {
  type ConsumerMember,
  MemberEpoch,
  sameCurrentAssignment,
  sortedNames,
} from "../model/consumer/member.ts";
import type { ConsumerRecord } from "../model/consumer/records.ts";
import {
  type HeartbeatAnswer,
  type MemberHeartbeat,
  validateHeartbeat,
} from "../model/consumer/requests.ts";
import { armRebalance, armSession, disarm } from "../model/consumer/sessions.ts";
import { heartbeatIntervalMs } from "../model/consumer/timings.ts";
import { updateMember } from "../model/consumer/update-member.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";
import { leave } from "./consumer-leave.ts";
import { resolveAsMember } from "./follow-topics.ts";

/** A member of the consumer protocol joins, extends its session, or leaves (KIP-848). */
export function consumerHeartbeat(heartbeat: MemberHeartbeat): GroupOperation<HeartbeatAnswer> {
  return (turn, reply) => {
    const answer = decide(turn, heartbeat);
    const { groupId, memberId, memberEpoch } = heartbeat.request;
    turn.state.log.heartbeat(groupId, memberId, memberEpoch, answer.errorCode);
    turn.reply(reply, answer);
  };
}

function decide(turn: GroupTurn, heartbeat: MemberHeartbeat): HeartbeatAnswer {
  const { request } = heartbeat;
  const refusal = validateHeartbeat(heartbeat, turn.config.groupConsumerAssignors);
  if (refusal !== null) return refusal;
  return request.memberEpoch < 0 ? leave(turn, request) : joinOrStay(turn, heartbeat);
}

/** Changes and records nothing until it is certain that the heartbeat is not refused. */
function joinOrStay(turn: GroupTurn, heartbeat: MemberHeartbeat): HeartbeatAnswer {
  const { request } = heartbeat;
  const joins = request.memberEpoch === MemberEpoch.join;
  const found = groupOfHeartbeat(turn, request.groupId, joins);
  if (isRefused(found)) return found;
  const { group } = found;
  const memberId = request.memberId || randomUuid(turn.random);
  const { mayDescribe = null } = heartbeat;
  if (mayDescribe !== null && group.mayDescribe === null) {
    turn.afterwards((next) => resolveAsMember(next, request.groupId, mayDescribe));
  }
  group.mayDescribe = mayDescribe;
  const admission = admit(group, request, memberId, turn.config.groupConsumerMaxSize);
  if (isRefused(admission)) return admission;
  const records: ConsumerRecord[] = [];
  const updated = updateMember({
    group,
    admission,
    next: describe(admission.member, heartbeat),
    owned: request.topicPartitions,
    turn,
    records,
  });
  if (isRefused(updated)) return updated;
  found.commit();
  turn.appendAll(records);
  if (admission.replaced !== null) disarm(turn, group.groupId, admission.replaced.memberId);
  armSession(turn, group, updated);
  if (!sameCurrentAssignment(admission.member, updated)) armRebalance(turn, group.groupId, updated);
  return answer(turn, heartbeat, admission, updated);
}

/**
 * The member with the fields of this heartbeat. Fields that are left out stay as they were; nearly
 * every heartbeat leaves out all.
 */
function describe(member: ConsumerMember, heartbeat: MemberHeartbeat): ConsumerMember {
  const { request, clientId, clientHost } = heartbeat;
  const { subscribedTopicNames: names, rebalanceTimeoutMs } = request;
  if (isUnchanged(member, heartbeat)) return member;
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    clientId,
    clientHost,
    subscribedTopicNames: names === null ? member.subscribedTopicNames : sortedNames(names),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    // A member that used the classic protocol now uses this one.
    classic: null,
  };
}

function isUnchanged(
  member: ConsumerMember,
  { request, clientId, clientHost }: MemberHeartbeat,
): boolean {
  return (
    request.subscribedTopicNames === null &&
    request.subscribedTopicRegex === null &&
    request.serverAssignor === null &&
    request.rackId === null &&
    request.rebalanceTimeoutMs === -1 &&
    (request.instanceId === null || request.instanceId === member.instanceId) &&
    clientId === member.clientId &&
    clientHost === member.clientHost &&
    member.classic === null
  );
}

function answer(
  turn: GroupTurn,
  { request }: MemberHeartbeat,
  { member }: Admission,
  updated: ConsumerMember,
): HeartbeatAnswer {
  const subscribes = request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null;
  // A full request: the member has just joined, or does not know its assignment after an error.
  const full = request.rebalanceTimeoutMs !== -1 && subscribes && request.topicPartitions !== null;
  const sends = full || !sameAssignment(member.assigned, updated.assigned);
  return {
    errorCode: ErrorCode.NONE,
    memberId: updated.memberId,
    memberEpoch: updated.epoch,
    heartbeatIntervalMs: heartbeatIntervalMs(turn, request.groupId),
    assignment: sends ? { topicPartitions: topicPartitionsOf(updated.assigned) } : null,
  };
}
