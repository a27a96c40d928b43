import { fenceMembers } from "../migration/fence-members.ts";
import type { ConsumerMember } from "../model/consumer/member.ts";
import { sessionTimeoutOf } from "../model/consumer/sessions.ts";
import type { ConsumerTimer } from "../model/timers.ts";
import type { GroupTurn } from "../turn.ts";

/** The request that an expired member has not sent. */
const MISSING: Readonly<Record<ConsumerTimer["kind"], string>> = {
  "consumer-session": "Heartbeat",
  "consumer-rebalance": "ConsumerGroupHeartbeat without the partitions to revoke",
  "consumer-join": "JoinGroup",
  "consumer-sync": "SyncGroup",
};

/** Removes the member of a timer that is due, unless what the timer waits for has happened. */
export function expireMember(turn: GroupTurn, timer: ConsumerTimer): void {
  const { groupId, memberId, kind } = timer;
  const group = turn.state.groups.get(groupId);
  if (group?.kind !== "consumer") return;
  const member = group.members.get(memberId);
  if (member === undefined || !isOverdue(member, timer)) return;
  const timeoutMs =
    kind === "consumer-session"
      ? sessionTimeoutOf(turn, groupId, member)
      : member.rebalanceTimeoutMs;
  turn.state.log.expired({ group: groupId, epoch: group.epoch }, member, MISSING[kind], timeoutMs);
  fenceMembers(turn, group, [member], "a member has expired");
}

function isOverdue(member: ConsumerMember, timer: ConsumerTimer): boolean {
  switch (timer.kind) {
    case "consumer-session":
      return true;
    case "consumer-rebalance":
      return member.epoch === timer.epoch;
    default:
      return member.classic !== null;
  }
}
