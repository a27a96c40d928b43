import { ErrorCode } from "@tarpan/protocol";
import type { GroupTurn } from "../../turn.ts";
import { classicJoinKey, classicSyncKey } from "../timers.ts";
import { answerJoin, answerSync, joined, syncRefused } from "./answers.ts";
import type { ClassicGroup } from "./group.ts";
import { recordOf } from "./records.ts";
import { armSession, removeMember } from "./sessions.ts";

/** To be called when members or their subscriptions changed. */
export function rebalanceOrCompleteJoin(turn: GroupTurn, group: ClassicGroup, why: string): void {
  if (group.live.state === "PreparingRebalance") maybeCompleteJoin(turn, group);
  else prepareRebalance(turn, group, why);
}

/** Ends the join phase early when nobody is missing. An initial rebalance takes its time. */
export function maybeCompleteJoin(turn: GroupTurn, group: ClassicGroup): void {
  const { live } = group;
  if (live.state !== "PreparingRebalance" || live.initialRebalance || !live.allJoined) return;
  completeJoin(turn, group);
}

/**
 * Asks all members to join again; those that wait for their assignment are told so by `errorCode`.
 * Not to be called while they are being asked already.
 */
export function prepareRebalance(
  turn: GroupTurn,
  group: ClassicGroup,
  why: string,
  errorCode: number = ErrorCode.REBALANCE_IN_PROGRESS,
): void {
  const { live } = group;
  turn.state.log.rebalances(group.named, live.members.size, why);
  for (const member of live.members.values()) {
    if (answerSync(turn, member, syncRefused(errorCode))) armSession(turn, member);
  }
  live.pendingSyncs.clear();
  turn.disarm(classicSyncKey(group.groupId));
  live.moveTo("PreparingRebalance", turn.wallMs);
  if (live.initialRebalance) {
    const delayMs = turn.config.groupInitialRebalanceDelayMs;
    live.newMemberAdded = false;
    delayInitialRebalance(turn, group, delayMs, Math.max(0, live.rebalanceTimeoutMs - delayMs));
  } else if (live.allJoined) {
    completeJoin(turn, group);
  } else {
    completeJoinLater(turn, group);
  }
}

/** Waits `delayMs`, and longer while new members come, `remainingMs` more at most. */
function delayInitialRebalance(
  turn: GroupTurn,
  { groupId }: ClassicGroup,
  delayMs: number,
  remainingMs: number,
): void {
  const key = classicJoinKey(groupId);
  turn.arm({ kind: "classic-initial-join", groupId, delayMs, remainingMs, key }, delayMs);
}

/** The first rebalance's delay is over, or it waits for more new members. */
export function endInitialDelay(
  turn: GroupTurn,
  group: ClassicGroup,
  { delayMs, remainingMs }: { readonly delayMs: number; readonly remainingMs: number },
): void {
  const { live } = group;
  if (live.state !== "PreparingRebalance") return;
  if (!live.newMemberAdded || remainingMs === 0) {
    completeJoin(turn, group);
    return;
  }
  live.newMemberAdded = false;
  const nextMs = Math.min(turn.config.groupInitialRebalanceDelayMs, remainingMs);
  delayInitialRebalance(turn, group, nextMs, Math.max(0, remainingMs - delayMs));
}

function completeJoinLater(turn: GroupTurn, { groupId, live }: ClassicGroup): void {
  turn.arm(
    { kind: "classic-join", groupId, key: classicJoinKey(groupId) },
    live.rebalanceTimeoutMs,
  );
}

/** Goes on without the members that have not joined: the next generation begins. */
export function completeJoin(turn: GroupTurn, group: ClassicGroup): void {
  const { live } = group;
  const { log } = turn.state;
  turn.disarm(classicJoinKey(group.groupId));
  // A static member that is away has until its session ends (KIP-345).
  for (const member of [...live.members.values()]) {
    if (member.join !== null || member.groupInstanceId !== null) continue;
    log.expired(group.named, member, "JoinGroup", live.rebalanceTimeoutMs);
    removeMember(turn, group, member.memberId);
  }
  if (live.members.size > 0 && !live.electJoinedLeader()) {
    completeJoinLater(turn, group);
    return;
  }
  live.beginGeneration(turn.wallMs);
  if (live.state === "Empty") {
    turn.append(recordOf(group.groupId, live, new Map()));
    log.rebalanced(group.named, 0, null, null);
    return;
  }
  for (const member of live.members.values()) {
    answerJoin(turn, live, member, joined(live, member.memberId));
    armSession(turn, member);
    member.isNew = false;
    live.pendingSyncs.add(member.memberId);
  }
  awaitSyncs(turn, group);
}

/** Members that joined and then never ask for their assignment are removed. */
function awaitSyncs(turn: GroupTurn, { groupId, live }: ClassicGroup): void {
  const { generation, rebalanceTimeoutMs: timeoutMs } = live;
  const key = classicSyncKey(groupId);
  turn.arm({ kind: "classic-sync", groupId, generation, timeoutMs, key }, timeoutMs);
}

export function endSyncWait(
  turn: GroupTurn,
  group: ClassicGroup,
  { generation, timeoutMs }: { readonly generation: number; readonly timeoutMs: number },
): void {
  const { live } = group;
  if (live.generation !== generation) return;
  if (live.state === "PreparingRebalance" || live.pendingSyncs.size === 0) return;
  for (const memberId of [...live.pendingSyncs]) {
    const member = live.members.get(memberId)!;
    turn.state.log.expired(group.named, member, "SyncGroup", timeoutMs);
    removeMember(turn, group, memberId);
  }
  prepareRebalance(turn, group, "members have expired");
}

/** A member has asked for its assignment. */
export function receivedSync(turn: GroupTurn, { groupId, live }: ClassicGroup, memberId: string) {
  live.pendingSyncs.delete(memberId);
  if (live.pendingSyncs.size === 0) turn.disarm(classicSyncKey(groupId));
}

/** A member's session is over. */
export function expireSession(turn: GroupTurn, group: ClassicGroup, memberId: string): void {
  const { live } = group;
  const member = live.members.get(memberId);
  if (member === undefined && !live.pendingJoins.has(memberId)) return;
  // Who waits for us shows by that that it lives; its session begins again with our answer.
  const waits = member !== undefined && (member.join !== null || member.sync !== null);
  if (waits && !member.isNew) return;
  if (member !== undefined) {
    turn.state.log.expired(group.named, member, "Heartbeat", member.sessionTimeoutMs);
  }
  removeMember(turn, group, memberId);
  if (live.state === "PreparingRebalance") {
    if (live.allJoined) completeJoin(turn, group);
  } else if (member !== undefined) {
    rebalanceOrCompleteJoin(turn, group, "a member has expired");
  }
}
