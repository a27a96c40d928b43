import { ErrorCode } from "@tarpan/protocol";
import type { GroupTurn } from "../../turn.ts";
import type { Session } from "../group.ts";
import { type ClassicSessionTimer, memberKey, memberTimer } from "../timers.ts";
import { answerJoin, answerSync, joinRefused, syncRefused } from "./answers.ts";
import type { ClassicGroup } from "./group.ts";
import type { ClassicMember } from "./member.ts";

export function sessionOf(groupId: string, memberId: string): ClassicSessionTimer {
  return memberTimer("classic-session", groupId, memberId);
}

/** Begins a member's session anew. */
export function armSession(turn: GroupTurn, { session, sessionTimeoutMs }: Session): void {
  turn.arm(session, sessionTimeoutMs);
}

/** Removes a member, or an id with which no member has joined yet. */
export function removeMember(turn: GroupTurn, group: ClassicGroup, memberId: string): void {
  const member = group.live.members.get(memberId);
  if (member === undefined) turn.disarm(memberKey("classic-session", group.groupId, memberId));
  else dismiss(turn, group, member, "", ErrorCode.UNKNOWN_MEMBER_ID);
  group.live.remove(memberId);
}

/** Ends a member's session and refuses its waiting requests; a join gets the id `answeredId`. */
export function dismiss(
  turn: GroupTurn,
  group: ClassicGroup,
  member: ClassicMember,
  answeredId: string,
  errorCode: number,
): void {
  turn.disarm(member.session.key);
  answerJoin(turn, group.live, member, joinRefused(answeredId, errorCode));
  answerSync(turn, member, syncRefused(errorCode));
}
