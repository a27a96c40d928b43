import { ErrorCode } from "@tarpan/protocol";
import type { GroupTurn } from "../../turn.ts";
import { classicJoinKey, classicSyncKey } from "../timers.ts";
import { answerJoin, answerSync, joined, syncRefused } from "./answers.ts";
import type { ClassicGroup } from "./group.ts";
import { recordOf } from "./records.ts";
import { armSession, removeMember } from "./sessions.ts";

/** Called when members or their subscriptions have changed. */
export function rebalanceOrCompleteJoin(turn: GroupTurn, group: ClassicGroup, why: string): void {
  if (group.live.state === "PreparingRebalance") maybeCompleteJoin(turn, group);
  else prepareRebalance(turn, group, why);
}

/** Ends the join phase when all members have joined. An initial rebalance waits for its delay. */
export function maybeCompleteJoin(turn: GroupTurn, group: ClassicGroup): void {
  const { live } = group;
  if (live.state !== "PreparingRebalance" || live.initialRebalance || !live.allJoined) return;
  completeJoin(turn, group);
}

/**
 * Begins a rebalance: all members have to join again. A member that waits for its assignment gets
 * `errorCode`. Not to be called in PreparingRebalance.
 */
export function prepareRebalance(
  turn: GroupTurn,
  group: ClassicGroup,
  why: string,
  errorCode: number = ErrorCode.REBALANCE_IN_PROGRESS,
): void {
  const { live } = group;
  turn.state.log.rebalances(group.logFields, live.members.size, why);
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

/** Waits `delayMs`, and up to `remainingMs` longer while new members join. */
function delayInitialRebalance(
  turn: GroupTurn,
  { groupId }: ClassicGroup,
  delayMs: number,
  remainingMs: number,
): void {
  const key = classicJoinKey(groupId);
  turn.arm({ kind: "classic-initial-join", groupId, delayMs, remainingMs, key }, delayMs);
}

/** Ends the initial join phase, or extends it when a new member has joined during the delay. */
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

/** Ends the join phase: removes the members that have not joined and begins a new generation. */
export function completeJoin(turn: GroupTurn, group: ClassicGroup): void {
  const { live } = group;
  const { log } = turn.state;
  turn.disarm(classicJoinKey(group.groupId));
  // A static member that has not joined stays until its session ends (KIP-345).
  for (const member of [...live.members.values()]) {
    if (member.join !== null || member.groupInstanceId !== null) continue;
    log.expired(group.logFields, member, "JoinGroup", live.rebalanceTimeoutMs);
    removeMember(turn, group, member.memberId);
  }
  if (live.members.size > 0 && !live.electJoinedLeader()) {
    completeJoinLater(turn, group);
    return;
  }
  live.beginGeneration(turn.wallMs);
  if (live.state === "Empty") {
    turn.append(recordOf(group.groupId, live, new Map()));
    log.rebalanced(group.logFields, 0, null, null);
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

/** Arms the timer that removes the members that joined but do not send SyncGroup. */
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
    turn.state.log.expired(group.logFields, member, "SyncGroup", timeoutMs);
    removeMember(turn, group, memberId);
  }
  prepareRebalance(turn, group, "members have expired");
}

/** A member has sent SyncGroup. */
export function receivedSync(turn: GroupTurn, { groupId, live }: ClassicGroup, memberId: string) {
  live.pendingSyncs.delete(memberId);
  if (live.pendingSyncs.size === 0) turn.disarm(classicSyncKey(groupId));
}

/** A member's session has ended: removes the member unless one of its requests waits here. */
export function expireSession(turn: GroupTurn, group: ClassicGroup, memberId: string): void {
  const { live } = group;
  const member = live.members.get(memberId);
  if (member === undefined && !live.pendingJoins.has(memberId)) return;
  // A member that waits for our answer is alive; its session begins anew with the answer.
  const waits = member !== undefined && (member.join !== null || member.sync !== null);
  if (waits && !member.isNew) return;
  if (member !== undefined) {
    turn.state.log.expired(group.logFields, member, "Heartbeat", member.sessionTimeoutMs);
  }
  removeMember(turn, group, memberId);
  if (live.state === "PreparingRebalance") {
    if (live.allJoined) completeJoin(turn, group);
  } else if (member !== undefined) {
    rebalanceOrCompleteJoin(turn, group, "a member has expired");
  }
}
