import { fenceMembers } from "../migration/fence-members.ts";
import type { Member } from "../model/consumer/member.ts";
import { sessionTimeoutOf } from "../model/consumer/sessions.ts";
import type { ConsumerTimer } from "../model/timers.ts";
import type { GroupTurn } from "../turn.ts";

/** The request that an expired member has not sent. */
const MISSING: Readonly<Record<ConsumerTimer["kind"], string>> = {
  "consumer-session": "Heartbeat",
  "consumer-rebalance": "ConsumerGroupHeartbeat that gives up what it shall not have",
  "consumer-join": "JoinGroup",
  "consumer-sync": "SyncGroup",
};

/** Removes a member of a consumer group that was waited for, if it still is. */
export function expireMember(turn: GroupTurn, timer: ConsumerTimer): void {
  const { groupId, memberId, kind } = timer;
  const group = turn.state.groups.get(groupId);
  if (group?.kind !== "consumer") return;
  const member = group.members.get(memberId);
  if (member === undefined || !isWaitedFor(member, timer)) return;
  const timeoutMs =
    kind === "consumer-session"
      ? sessionTimeoutOf(turn, groupId, member)
      : member.rebalanceTimeoutMs;
  turn.state.log.expired({ group: groupId, epoch: group.epoch }, member, MISSING[kind], timeoutMs);
  fenceMembers(turn, group, [member], "a member has expired");
}

function isWaitedFor(member: Member, timer: ConsumerTimer): boolean {
  switch (timer.kind) {
    case "consumer-session":
      return true;
    case "consumer-rebalance":
      return member.epoch === timer.epoch;
    default:
      return member.classic !== null;
  }
}
