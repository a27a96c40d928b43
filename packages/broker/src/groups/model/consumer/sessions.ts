/** How members of a consumer group are waited for. */
import type { GroupTurn } from "../../turn.ts";
import { memberKey, memberTimer } from "../timers.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { type Member, MemberState } from "./member.ts";
import { sessionTimeoutMs } from "./timings.ts";

export function sessionTimeoutOf(turn: GroupTurn, groupId: string, { classic }: Member): number {
  return classic?.sessionTimeoutMs ?? sessionTimeoutMs(turn, groupId);
}

/** Begins a member's session anew. */
export function armSession(turn: GroupTurn, group: ConsumerGroup, member: Member): void {
  const timeoutMs = sessionTimeoutOf(turn, group.groupId, member);
  turn.arm(group.sessionOf(member.memberId), timeoutMs);
}

/**
 * A member that is to give partitions up has its rebalance time-out to say so, counted from the
 * last change of what it is to give up.
 */
export function armRebalance(turn: GroupTurn, groupId: string, member: Member): void {
  const { memberId, epoch, rebalanceTimeoutMs } = member;
  if (member.state === MemberState.unrevokedPartitions) {
    const timer = memberTimer("consumer-rebalance", groupId, memberId);
    turn.arm({ ...timer, epoch }, rebalanceTimeoutMs);
  } else {
    turn.disarm(memberKey("consumer-rebalance", groupId, memberId));
  }
}

/** A classic member that was told to join again has its rebalance time-out to do so. */
export function armJoin(turn: GroupTurn, groupId: string, member: Member): void {
  const timer = memberTimer("consumer-join", groupId, member.memberId);
  if (!turn.isArmed(timer.key)) turn.arm(timer, member.rebalanceTimeoutMs);
}

/** A classic member that has joined has as long to ask for its assignment. */
export function armSync(turn: GroupTurn, groupId: string, member: Member): void {
  turn.arm(memberTimer("consumer-sync", groupId, member.memberId), member.rebalanceTimeoutMs);
}

export function disarmSync(turn: GroupTurn, groupId: string, memberId: string): void {
  turn.disarm(memberKey("consumer-sync", groupId, memberId));
}

export function disarm(turn: GroupTurn, groupId: string, memberId: string): void {
  for (const what of ["session", "rebalance", "join", "sync"]) {
    turn.disarm(memberKey(`consumer-${what}`, groupId, memberId));
  }
}
