import { ErrorCode } from "@tarpan/protocol";
import type { Reply } from "../../coordinator/turn.ts";
import { randomUuid } from "../../metadata/topic-ids.ts";
import { MAX_MEMBER_NAME_LENGTH, NEW_MEMBER_JOIN_TIMEOUT_MS } from "../limits.ts";
import { joinConsumerGroup } from "../migration/classic-members.ts";
import { joined, joinRefused } from "../model/classic/answers.ts";
import type { ClassicGroup } from "../model/classic/group.ts";
import {
  type ClassicMember,
  type JoinAnswer,
  offersSame,
  ownProtocols,
} from "../model/classic/member.ts";
import { maybeCompleteJoin, rebalanceOrCompleteJoin } from "../model/classic/rebalance.ts";
import { firstRecord, recordOf } from "../model/classic/records.ts";
import type { Join } from "../model/classic/requests.ts";
import { armSession, dismiss, removeMember, sessionOf } from "../model/classic/sessions.ts";
import type { ConsumerGroup } from "../model/consumer/consumer-group.ts";
import type { GroupOperation, GroupTurn } from "../turn.ts";

/** From v4 a new member first gets an id with MEMBER_ID_REQUIRED, and joins with it (KIP-394). */
const MEMBER_ID_VERSION = 4;
/** From v9 the answer can tell a leader to skip the assignment (KIP-814). */
const SKIP_ASSIGNMENT_VERSION = 9;

export function joinGroup(join: Join): GroupOperation<JoinAnswer> {
  return (turn, reply) => {
    const answer = validateJoin(join, turn) ?? decideJoin(turn, join, reply);
    if (answer !== WAITS) turn.reply(reply, answer);
  };
}

/** No answer yet: the member keeps the reply for a later turn. */
const WAITS = null;

function validateJoin({ request }: Join, { config }: GroupTurn): JoinAnswer | undefined {
  const { groupId, memberId, sessionTimeoutMs } = request;
  if (groupId === "") return joinRefused(memberId, ErrorCode.INVALID_GROUP_ID);
  const { groupMinSessionTimeoutMs: min, groupMaxSessionTimeoutMs: max } = config;
  if (sessionTimeoutMs >= min && sessionTimeoutMs <= max) return undefined;
  return joinRefused(memberId, ErrorCode.INVALID_SESSION_TIMEOUT);
}

function decideJoin(turn: GroupTurn, join: Join, reply: Reply<JoinAnswer>): JoinAnswer | null {
  const { groupId, memberId, protocolType, protocols } = join.request;
  const found = turn.state.groups.get(groupId);
  // A classic group replaces an empty consumer group (KIP-848).
  if (found?.kind === "consumer" && found.validateDelete() !== ErrorCode.NONE) {
    return joinConsumerGroup(turn, found, join);
  }
  if (found?.kind !== "classic") return makeGroup(turn, found, join, reply);
  if (!accepts(turn, found, join)) {
    removeMember(turn, found, memberId);
    maybeCompleteJoin(turn, found);
    return joinRefused("", ErrorCode.GROUP_MAX_SIZE_REACHED);
  }
  if (!found.live.supports(protocolType, protocols)) {
    return joinRefused(memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  return memberId === ""
    ? joinAsNew(turn, found, join, reply)
    : joinAgain(turn, found, join, reply);
}

/** The first member creates the group, and joins it in the next turn, after its record's apply. */
function makeGroup(
  turn: GroupTurn,
  replaced: ConsumerGroup | undefined,
  join: Join,
  reply: Reply<JoinAnswer>,
): JoinAnswer | null {
  const { groupId, memberId, protocolType, protocols } = join.request;
  if (memberId !== "") return joinRefused(memberId, ErrorCode.UNKNOWN_MEMBER_ID);
  if (protocolType === "" || protocols.length === 0) {
    return joinRefused(memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  // Without a record a crash would lose a group whose members have only got their ids.
  turn.appendAll(replaced?.tombstones() ?? []);
  turn.append(firstRecord(groupId, turn.wallMs));
  turn.afterwards((next) => {
    const made = next.state.groups.get(groupId);
    if (made?.kind !== "classic") return;
    const answer = joinAsNew(next, made, join, reply);
    if (answer !== WAITS) next.reply(reply, answer);
  });
  return WAITS;
}

/**
 * Whether the group has room. In PreparingRebalance the members that have joined are counted: after
 * `group.max.size` was lowered the last to join are refused. A static member that replaces itself
 * needs no room.
 */
function accepts({ config }: GroupTurn, { live }: ClassicGroup, { request }: Join): boolean {
  const { memberId, groupInstanceId } = request;
  const { groupMaxSize } = config;
  if (live.state === "Empty") return true;
  const replaced = groupInstanceId === null ? undefined : live.memberIdOf(groupInstanceId);
  const member = live.members.get(memberId === "" ? (replaced ?? "") : memberId);
  if (live.state !== "PreparingRebalance") {
    return member !== undefined || live.members.size < groupMaxSize;
  }
  return (member !== undefined && member.join !== null) || live.joiningCount < groupMaxSize;
}

function joinAsNew(
  turn: GroupTurn,
  group: ClassicGroup,
  join: Join,
  reply: Reply<JoinAnswer>,
): JoinAnswer | null {
  const { groupId, live } = group;
  const { groupInstanceId, sessionTimeoutMs } = join.request;
  const memberId = newMemberId(groupInstanceId ?? join.clientId, turn.random);
  if (groupInstanceId !== null) {
    const former = live.members.get(live.memberIdOf(groupInstanceId) ?? "");
    return former === undefined
      ? addMember(turn, group, join, memberId, reply)
      : replaceStaticMember(turn, group, join, former, memberId, reply);
  }
  if (join.version < MEMBER_ID_VERSION) return addMember(turn, group, join, memberId, reply);
  live.pendingJoins.add(memberId);
  armSession(turn, { session: sessionOf(groupId, memberId), sessionTimeoutMs });
  return joinRefused(memberId, ErrorCode.MEMBER_ID_REQUIRED);
}

/** As Kafka makes it, but with a name cut so that the id fits into the answer and its records. */
function newMemberId(name: string, random: GroupTurn["random"]): string {
  // Half a character would come back from the client as another one.
  const start = name.slice(0, MAX_MEMBER_NAME_LENGTH).replace(/\p{Surrogate}$/u, "");
  return `${start}-${randomUuid(random)}`;
}

function addMember(
  turn: GroupTurn,
  group: ClassicGroup,
  { request, clientId, clientHost }: Join,
  memberId: string,
  reply: Reply<JoinAnswer>,
): typeof WAITS {
  const { live } = group;
  if (live.initialRebalance) live.newMemberAdded = true;
  if (live.members.size === 0) live.protocolType = request.protocolType;
  const member: ClassicMember = {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId,
    clientHost,
    ...timeouts(request),
    session: sessionOf(group.groupId, memberId),
    protocols: ownProtocols(request.protocols),
    isNew: true,
    join: reply,
    sync: null,
  };
  live.add(member);
  const { session } = member;
  armSession(turn, { session, sessionTimeoutMs: NEW_MEMBER_JOIN_TIMEOUT_MS });
  turn.state.log.joined(group.logFields, member, request.reason);
  rebalanceOrCompleteJoin(turn, group, "a member joined");
  return WAITS;
}

/** Version 0 has no rebalance time-out: it is the session time-out. */
function timeouts({ sessionTimeoutMs, rebalanceTimeoutMs }: Join["request"]) {
  const rebalanceMs = rebalanceTimeoutMs === -1 ? sessionTimeoutMs : rebalanceTimeoutMs;
  return { sessionTimeoutMs, rebalanceTimeoutMs: rebalanceMs };
}

function joinAgain(
  turn: GroupTurn,
  group: ClassicGroup,
  join: Join,
  reply: Reply<JoinAnswer>,
): JoinAnswer | null {
  const { live } = group;
  const { memberId, groupInstanceId, protocols } = join.request;
  if (groupInstanceId === null && live.pendingJoins.has(memberId)) {
    return addMember(turn, group, join, memberId, reply);
  }
  const errorCode = group.validateMember(memberId, groupInstanceId);
  if (errorCode !== ErrorCode.NONE) return joinRefused(memberId, errorCode);
  const member = live.members.get(memberId)!;
  if (offersSame(member, protocols)) {
    // The member may not have received the answer to its first join.
    if (live.state === "CompletingRebalance") return joined(live, memberId);
    // A leader joins again to change the assignment, also when its subscription is the same.
    if (live.state === "Stable" && live.leader !== memberId) return joined(live, memberId);
  }
  const why = live.leader === memberId ? "the leader joined again" : "a member joined again";
  updateMember(turn, group, member, join, reply);
  rebalanceOrCompleteJoin(turn, group, why);
  return WAITS;
}

function updateMember(
  turn: GroupTurn,
  { live }: ClassicGroup,
  member: ClassicMember,
  { request }: Join,
  reply: Reply<JoinAnswer>,
): void {
  live.offer(member, ownProtocols(request.protocols));
  Object.assign(member, timeouts(request));
  const superseded = live.setJoin(member, reply);
  // The client no longer waits for the earlier request, but every request is answered.
  const answer = joinRefused(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS);
  if (superseded !== null) turn.reply(superseded, answer);
}

/**
 * A static member joins without its member id, as after a restart (KIP-345). It gets a new id and
 * the assignment of the old one, which is fenced. In a stable group whose protocol does not change
 * no rebalance follows.
 */
function replaceStaticMember(
  turn: GroupTurn,
  group: ClassicGroup,
  join: Join,
  former: ClassicMember,
  memberId: string,
  reply: Reply<JoinAnswer>,
): JoinAnswer | null {
  const { live, groupId } = group;
  const formerLeader = live.leader;
  dismiss(turn, group, former, former.memberId, ErrorCode.FENCED_INSTANCE_ID);
  const session = sessionOf(groupId, memberId);
  const member: ClassicMember = { ...former, memberId, session, join: null, sync: null };
  live.replace(former.memberId, member);
  turn.state.log.joined(group.logFields, member, "a static member came back");
  updateMember(turn, group, member, join, reply);
  armSession(turn, member);
  if (live.state !== "Stable" || live.selectProtocol() !== live.protocol) {
    // In CompletingRebalance the leader may be computing an assignment for the former id.
    rebalanceOrCompleteJoin(turn, group, "a static member came back");
    return WAITS;
  }
  const assignments = new Map<string, Uint8Array>();
  for (const recorded of group.recorded.members.values()) {
    const id = recorded.memberId === former.memberId ? memberId : recorded.memberId;
    assignments.set(id, recorded.assignment);
  }
  turn.append(recordOf(groupId, live, assignments));
  live.setJoin(member, null);
  const answer = joined(live, memberId);
  if (join.version >= SKIP_ASSIGNMENT_VERSION) {
    return { ...answer, skipAssignment: live.leader === memberId };
  }
  // Before v9 the answer names the former id as the leader, so that the member assigns nothing.
  return { ...answer, leader: formerLeader ?? "", members: [] };
}
