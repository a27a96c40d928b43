import { ErrorCode } from "@tarpan/protocol";
import { answerJoin, answerSync, joinRefused, syncRefused } from "./answers.ts";
import type { ClassicGroup } from "./group.ts";
import type { Member } from "./member.ts";
import { completeJoin, rebalanceOrCompleteJoin } from "./rebalance.ts";
import type { Turn } from "./turn.ts";

/** Group ids may hold any character: the length keeps two groups' members apart. */
function sessionId({ groupId }: ClassicGroup, memberId: string): string {
  return `classic-session/${groupId.length}/${groupId}/${memberId}`;
}

/** Begins a member's session anew. */
export function armSession(
  turn: Omit<Turn, "effects">,
  group: ClassicGroup,
  { memberId, sessionTimeoutMs }: Pick<Member, "memberId" | "sessionTimeoutMs">,
): void {
  const { state, context } = turn;
  state.deadlines.set(
    sessionId(group, memberId),
    context.nowMs + sessionTimeoutMs,
    (state, context, effects) => expireSession({ state, context, effects }, group, memberId),
  );
}

function expireSession(turn: Turn, group: ClassicGroup, memberId: string): void {
  const { live } = group;
  if (turn.state.groups.get(group.groupId) !== group) return;
  const member = live.members.get(memberId);
  // Who waits for us shows by that that it lives; its session begins again with our answer.
  const waits = member !== undefined && (member.join !== null || member.sync !== null);
  if (waits && !member.isNew) return;
  if (member !== undefined) {
    turn.context.log.expired(group.named, member, "Heartbeat", member.sessionTimeoutMs);
  }
  removeMember(turn, group, memberId);
  if (live.state === "PreparingRebalance") {
    if (live.allJoined) completeJoin(turn, group);
  } else if (member !== undefined) {
    rebalanceOrCompleteJoin(turn, group, "a member has expired");
  }
}

/** Removes a member, or one that is only expected. */
export function removeMember(turn: Turn, group: ClassicGroup, memberId: string): void {
  const member = group.live.members.get(memberId);
  if (member === undefined) turn.state.deadlines.clear(sessionId(group, memberId));
  else dismiss(turn, group, member, "", ErrorCode.UNKNOWN_MEMBER_ID);
  group.live.remove(memberId);
}

/** Ends a member's session and refuses what of its requests waits, a join under `answeredId`. */
export function dismiss(
  turn: Turn,
  group: ClassicGroup,
  member: Member,
  answeredId: string,
  errorCode: number,
): void {
  turn.state.deadlines.clear(sessionId(group, member.memberId));
  answerJoin(turn, group.live, member, joinRefused(answeredId, errorCode));
  answerSync(turn, member, syncRefused(errorCode));
}
