import { ErrorCode } from "@tarpan/protocol";
import { answerJoin, answerSync, joined, syncRefused } from "./answers.ts";
import type { ClassicGroup } from "./group.ts";
import { recordOf } from "./records.ts";
import { armSession, removeMember } from "./sessions.ts";
import type { Turn } from "./turn.ts";

const joinId = ({ groupId }: ClassicGroup) => `classic-join/${groupId}`;
const syncId = ({ groupId }: ClassicGroup) => `classic-sync/${groupId}`;

/** To be called when members or their subscriptions changed. */
export function rebalanceOrCompleteJoin(turn: Turn, group: ClassicGroup, why: string): void {
  if (group.live.state === "PreparingRebalance") maybeCompleteJoin(turn, group);
  else prepareRebalance(turn, group, why);
}

/** Ends the join phase early when nobody is missing. An initial rebalance takes its time. */
export function maybeCompleteJoin(turn: Turn, group: ClassicGroup): void {
  const { live } = group;
  if (live.state !== "PreparingRebalance" || live.initialRebalance || !live.allJoined) return;
  completeJoin(turn, group);
}

/**
 * Asks all members to join again; those that wait for their assignment are told so by `errorCode`.
 * Not to be called while they are being asked already.
 */
export function prepareRebalance(
  turn: Turn,
  group: ClassicGroup,
  why: string,
  errorCode: number = ErrorCode.REBALANCE_IN_PROGRESS,
): void {
  const { live } = group;
  const { deadlines } = turn.state;
  turn.context.log.rebalances(group.named, live.members.size, why);
  for (const member of live.members.values()) {
    if (answerSync(turn, member, syncRefused(errorCode))) armSession(turn, group, member);
  }
  live.pendingSyncs.clear();
  deadlines.clear(syncId(group));
  live.moveTo("PreparingRebalance", turn.context.wallMs);
  if (live.initialRebalance) {
    const delayMs = turn.context.config.groupInitialRebalanceDelayMs;
    live.newMemberAdded = false;
    delayInitialRebalance(turn, group, delayMs, Math.max(0, live.rebalanceTimeoutMs - delayMs));
  } else if (live.allJoined) {
    completeJoin(turn, group);
  } else {
    completeJoinLater(turn, group, live.rebalanceTimeoutMs);
  }
}

/** Waits `delayMs`, and longer while new members come, `remainingMs` more at most. */
function delayInitialRebalance(
  turn: Turn,
  group: ClassicGroup,
  delayMs: number,
  remainingMs: number,
): void {
  const { state, context } = turn;
  state.deadlines.set(joinId(group), context.nowMs + delayMs, (state, context, effects) => {
    const turn = { state, context, effects };
    if (!isPreparing(turn, group)) return;
    if (!group.live.newMemberAdded || remainingMs === 0) return completeJoin(turn, group);
    group.live.newMemberAdded = false;
    const nextMs = Math.min(context.config.groupInitialRebalanceDelayMs, remainingMs);
    delayInitialRebalance(turn, group, nextMs, Math.max(0, remainingMs - delayMs));
  });
}

function completeJoinLater(turn: Turn, group: ClassicGroup, delayMs: number): void {
  const { state, context } = turn;
  state.deadlines.set(joinId(group), context.nowMs + delayMs, (state, context, effects) => {
    const turn = { state, context, effects };
    if (isPreparing(turn, group)) completeJoin(turn, group);
  });
}

function isPreparing({ state }: Turn, group: ClassicGroup): boolean {
  return state.groups.get(group.groupId) === group && group.live.state === "PreparingRebalance";
}

/** Goes on without the members that have not joined: the next generation begins. */
export function completeJoin(turn: Turn, group: ClassicGroup): void {
  const { live } = group;
  const { log } = turn.context;
  turn.state.deadlines.clear(joinId(group));
  // A static member that is away has until its session ends (KIP-345).
  for (const member of [...live.members.values()]) {
    if (member.join !== null || member.groupInstanceId !== null) continue;
    log.expired(group.named, member, "JoinGroup", live.rebalanceTimeoutMs);
    removeMember(turn, group, member.memberId);
  }
  if (live.members.size > 0 && !live.electJoinedLeader()) {
    completeJoinLater(turn, group, live.rebalanceTimeoutMs);
    return;
  }
  live.beginGeneration(turn.context.wallMs);
  if (live.state === "Empty") {
    turn.effects.records.push(recordOf(group.groupId, live, new Map()));
    log.rebalanced(group.named, 0, null, null);
    return;
  }
  for (const member of live.members.values()) {
    answerJoin(turn, live, member, joined(live, member.memberId));
    armSession(turn, group, member);
    member.isNew = false;
    live.pendingSyncs.add(member.memberId);
  }
  awaitSyncs(turn, group);
}

/** Members that joined and then never ask for their assignment are removed. */
function awaitSyncs({ state, context }: Turn, group: ClassicGroup): void {
  const { generation, rebalanceTimeoutMs } = group.live;
  const dueMs = context.nowMs + rebalanceTimeoutMs;
  state.deadlines.set(syncId(group), dueMs, (state, context, effects) => {
    const turn = { state, context, effects };
    const { live } = group;
    if (state.groups.get(group.groupId) !== group || live.generation !== generation) return;
    if (live.state === "PreparingRebalance" || live.pendingSyncs.size === 0) return;
    for (const memberId of [...live.pendingSyncs]) {
      const member = live.members.get(memberId)!;
      context.log.expired(group.named, member, "SyncGroup", rebalanceTimeoutMs);
      removeMember(turn, group, memberId);
    }
    prepareRebalance(turn, group, "members have expired");
  });
}

/** A member has asked for its assignment. */
export function receivedSync({ state }: Turn, group: ClassicGroup, memberId: string): void {
  const { pendingSyncs } = group.live;
  pendingSyncs.delete(memberId);
  if (pendingSyncs.size === 0) state.deadlines.clear(syncId(group));
}
