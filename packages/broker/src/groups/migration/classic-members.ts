/**
 * Members of a consumer group that still use the classic protocol (KIP-848, online migration).
 * For them the member epoch is the generation. No member is the leader: the coordinator assigns.
 * No request waits for other members, so each is answered at once.
 */
import {
  type ConsumerSubscription,
  ErrorCode,
  type Heartbeat,
  type JoinGroup,
  type RequestOf,
} from "@tarpan/protocol";
import { randomUuid } from "../../metadata/topic-ids.ts";
import { CONSUMER_PROTOCOL_TYPE } from "../limits.ts";
import { joinRefused, syncRefused } from "../model/classic/answers.ts";
import { type JoinAnswer, ownProtocols, type SyncAnswer } from "../model/classic/member.ts";
import { EMPTY_BYTES } from "../model/classic/records.ts";
import type { Join, LeavingMember, Sync } from "../model/classic/requests.ts";
import { type Admission, isRefused, replaceStaticMember } from "../model/consumer/admission.ts";
import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import {
  type ConsumerMember,
  MemberState,
  newMember,
  sortedNames,
} from "../model/consumer/member.ts";
import type { ConsumerRecord } from "../model/consumer/records.ts";
import { armJoin, armSession, armSync, disarm, disarmSync } from "../model/consumer/sessions.ts";
import { updateMember } from "../model/consumer/update-member.ts";
import type { GroupTurn } from "../turn.ts";
import { assignmentBytes, subscriptionFrom, withIds } from "./embedded-protocol.ts";
import { fenceMembers } from "./fence-members.ts";

/** From v4 a new member first gets an id with MEMBER_ID_REQUIRED, and joins with it (KIP-394). */
const MEMBER_ID_VERSION = 4;

type JoinRequest = RequestOf<typeof JoinGroup>;

export function joinConsumerGroup(turn: GroupTurn, group: ConsumerGroup, join: Join): JoinAnswer {
  const { request } = join;
  const refuse = (errorCode: number) => joinRefused(request.memberId, errorCode);
  const memberId = request.memberId || randomUuid(turn.random);
  const errorCode = validateJoin(turn, group, request, memberId);
  if (errorCode !== ErrorCode.NONE) return refuse(errorCode);
  const needsId = request.memberId === "" && request.groupInstanceId === null;
  if (needsId && join.version >= MEMBER_ID_VERSION) {
    return joinRefused(memberId, ErrorCode.MEMBER_ID_REQUIRED);
  }
  const admission = admit(group, request, memberId);
  if (typeof admission === "number") return refuse(admission);
  const subscription = subscriptionFrom(request.protocols[0]!.metadata);
  if (subscription === null) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  const records: ConsumerRecord[] = [];
  const updated = updateMember({
    group,
    admission,
    next: describe(admission.member, join, subscription),
    owned: withIds(subscription.ownedPartitions, turn.image),
    turn,
    records,
  });
  if (isRefused(updated)) return refuse(updated.errorCode);
  turn.appendAll(records);
  if (admission.replaced !== null) disarm(turn, group.groupId, admission.replaced.memberId);
  disarm(turn, group.groupId, memberId);
  armSession(turn, group, updated);
  armSync(turn, group.groupId, updated);
  return {
    errorCode: ErrorCode.NONE,
    generationId: updated.epoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: request.protocols[0]!.name,
    leader: "",
    memberId,
    members: [],
  };
}

function describe(
  member: ConsumerMember,
  join: Join,
  subscription: ConsumerSubscription,
): ConsumerMember {
  const { request, clientId, clientHost } = join;
  const { sessionTimeoutMs, groupInstanceId, protocols } = request;
  return {
    ...member,
    instanceId: groupInstanceId ?? member.instanceId,
    rackId: subscription.rackId ?? member.rackId,
    clientId,
    clientHost,
    subscribedTopicNames: sortedNames(subscription.topics),
    // Clients of the classic protocol resolve their patterns themselves.
    subscribedTopicRegex: "",
    rebalanceTimeoutMs: rebalanceTimeoutOf(request),
    classic: { sessionTimeoutMs, supportedProtocols: ownProtocols(protocols) },
  };
}

/** Version 0 has no rebalance time-out: it is the session time-out. */
function rebalanceTimeoutOf({ rebalanceTimeoutMs, sessionTimeoutMs }: JoinRequest): number {
  return rebalanceTimeoutMs === -1 ? sessionTimeoutMs : rebalanceTimeoutMs;
}

function validateJoin(
  { config }: GroupTurn,
  group: ConsumerGroup,
  { groupInstanceId, protocolType, protocols }: JoinRequest,
  memberId: string,
): number {
  const { groupConsumerMigrationPolicy: policy, groupConsumerMaxSize } = config;
  if (policy === "disabled" || protocolType !== CONSUMER_PROTOCOL_TYPE) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  }
  const isMember = group.members.has(memberId) || group.staticMember(groupInstanceId) !== undefined;
  if (!isMember && group.members.size >= groupConsumerMaxSize) {
    return ErrorCode.GROUP_MAX_SIZE_REACHED;
  }
  const common = protocols.some(({ name }) => allOffer(group, name));
  return common ? ErrorCode.NONE : ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
}

function allOffer({ members, classicMemberCount }: ConsumerGroup, protocol: string): boolean {
  if (classicMemberCount === 0) return true;
  for (const { classic } of members.values()) {
    if (classic?.supportedProtocols.every(({ name }) => name !== protocol)) return false;
  }
  return true;
}

function admit(
  group: ConsumerGroup,
  { groupInstanceId, memberId: given }: JoinRequest,
  memberId: string,
): Admission | number {
  if (groupInstanceId === null) {
    const known = group.members.get(memberId);
    return { member: known ?? newMember(memberId), isNew: known === undefined, replaced: null };
  }
  const holder = group.staticMember(groupInstanceId);
  if (given === "") {
    if (holder !== undefined) return replaceStaticMember(holder, memberId);
    return { member: newMember(memberId), isNew: true, replaced: null };
  }
  if (holder === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (holder.memberId !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
  return { member: holder, isNew: false, replaced: null };
}

interface MemberName {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** The member of this id and instance id, or an error code. */
function memberOf(
  group: ConsumerGroup,
  { memberId, groupInstanceId }: MemberName,
): ConsumerMember | number {
  const member =
    groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId);
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  return member.memberId === memberId ? member : ErrorCode.FENCED_INSTANCE_ID;
}

/** The same for a member that must use the classic protocol and be in this generation. */
function classicMemberOf(
  group: ConsumerGroup,
  request: MemberName & { readonly generationId: number },
): (ConsumerMember & { readonly classic: NonNullable<ConsumerMember["classic"]> }) | number {
  const member = memberOf(group, request);
  if (typeof member === "number") return member;
  const { classic } = member;
  if (classic === null) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (member.epoch !== request.generationId) return ErrorCode.ILLEGAL_GENERATION;
  return { ...member, classic };
}

export function syncConsumerGroup(
  turn: GroupTurn,
  group: ConsumerGroup,
  request: Sync,
): SyncAnswer {
  const member = classicMemberOf(group, request);
  if (typeof member === "number") return syncRefused(member);
  const { supportedProtocols } = member.classic;
  const protocolName = supportedProtocols[0]?.name ?? null;
  const { protocolType: type, protocolName: name } = request;
  if (
    (type !== null && type !== CONSUMER_PROTOCOL_TYPE) ||
    (name !== null && name !== protocolName)
  ) {
    return syncRefused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  // A member with partitions to revoke has joined already: it revokes them, then joins by itself.
  const behind = group.assignmentEpoch > member.epoch;
  if (behind && member.state !== MemberState.unrevokedPartitions) {
    armJoin(turn, group.groupId, member);
    return syncRefused(ErrorCode.REBALANCE_IN_PROGRESS);
  }
  disarmSync(turn, group.groupId, member.memberId);
  armSession(turn, group, member);
  const subscription = supportedProtocols[0]?.metadata ?? EMPTY_BYTES;
  return {
    errorCode: ErrorCode.NONE,
    protocolType: type,
    protocolName: name,
    assignment: assignmentBytes(member.assigned, subscription, turn.image),
  };
}

/** Returns an error code: REBALANCE_IN_PROGRESS when the member has to join again. */
export function heartbeatConsumerGroup(
  turn: GroupTurn,
  group: ConsumerGroup,
  request: RequestOf<typeof Heartbeat>,
): number {
  const member = classicMemberOf(group, request);
  if (typeof member === "number") return member;
  armSession(turn, group, member);
  const { state } = member;
  const rejoins =
    member.epoch < group.assignmentEpoch ||
    state === MemberState.unrevokedPartitions ||
    (state === MemberState.unreleasedPartitions && !waitsForOthers(group, member));
  if (!rejoins) return ErrorCode.NONE;
  armJoin(turn, group.groupId, member);
  return ErrorCode.REBALANCE_IN_PROGRESS;
}

/** Whether another member still owns a partition of the member's target. */
function waitsForOthers(group: ConsumerGroup, { memberId }: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.target(memberId) ?? []) {
    for (const partition of partitions) {
      const owner = group.ownerOf(topicId, partition);
      if (owner !== undefined && owner !== memberId) return true;
    }
  }
  return false;
}

/** Returns the error code of each. An admin client names static members by instance id alone. */
export function leaveConsumerGroup(
  turn: GroupTurn,
  group: ConsumerGroup,
  leaving: readonly LeavingMember[],
): number[] {
  const members = new Map<string, ConsumerMember>();
  const logFields = { group: group.groupId, epoch: group.epoch };
  const errors = leaving.map(({ memberId, groupInstanceId, reason }) => {
    const ownId =
      memberId === "" ? (group.staticMember(groupInstanceId)?.memberId ?? "") : memberId;
    const member = memberOf(group, { memberId: ownId, groupInstanceId });
    if (typeof member === "number") return member;
    if (!members.has(member.memberId)) turn.state.log.left(logFields, member, reason);
    members.set(member.memberId, member);
    return ErrorCode.NONE;
  });
  fenceMembers(turn, group, [...members.values()], "a member left");
  return errors;
}
