/** The timers of the members of a consumer group. */
import type { GroupTurn } from "../../turn.ts";
import { memberKey, memberTimer } from "../timers.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type ConsumerMember, MemberState } from "./member.ts";
import { sessionTimeoutMs } from "./timings.ts";

export function sessionTimeoutOf(
  turn: GroupTurn,
  groupId: string,
  { classic }: ConsumerMember,
): number {
  return classic?.sessionTimeoutMs ?? sessionTimeoutMs(turn, groupId);
}

/** Begins a member's session anew. */
export function armSession(turn: GroupTurn, group: ConsumerGroup, member: ConsumerMember): void {
  const timeoutMs = sessionTimeoutOf(turn, group.groupId, member);
  turn.arm(group.sessionOf(member.memberId), timeoutMs);
}

/**
 * A member has its rebalance time-out to confirm a revocation, counted from the last change of the
 * partitions to revoke.
 */
export function armRebalance(turn: GroupTurn, groupId: string, member: ConsumerMember): void {
  const { memberId, epoch, rebalanceTimeoutMs } = member;
  if (member.state === MemberState.unrevokedPartitions) {
    const timer = memberTimer("consumer-rebalance", groupId, memberId);
    turn.arm({ ...timer, epoch }, rebalanceTimeoutMs);
  } else {
    turn.disarm(memberKey("consumer-rebalance", groupId, memberId));
  }
}

/** A classic member that has to join again has its rebalance time-out to do so. */
export function armJoin(turn: GroupTurn, groupId: string, member: ConsumerMember): void {
  const timer = memberTimer("consumer-join", groupId, member.memberId);
  if (!turn.isArmed(timer.key)) turn.arm(timer, member.rebalanceTimeoutMs);
}

/** A classic member that has joined has its rebalance time-out to send SyncGroup. */
export function armSync(turn: GroupTurn, groupId: string, member: ConsumerMember): void {
  turn.arm(memberTimer("consumer-sync", groupId, member.memberId), member.rebalanceTimeoutMs);
}

export function disarmSync(turn: GroupTurn, groupId: string, memberId: string): void {
  turn.disarm(memberKey("consumer-sync", groupId, memberId));
}

export function disarm(turn: GroupTurn, groupId: string, memberId: string): void {
  for (const kind of ["session", "rebalance", "join", "sync"]) {
    turn.disarm(memberKey(`consumer-${kind}`, groupId, memberId));
  }
}
