import { ErrorCode } from "@tarpan/protocol";
import type { GroupTurn } from "../../turn.ts";
import type { ClassicGroup } from "./group.ts";
import type { LiveGroup } from "./live-group.ts";
import { type ClassicMember, type JoinAnswer, metadataOf, type SyncAnswer } from "./member.ts";
import { EMPTY_BYTES } from "./records.ts";

/** The answer to a member that has joined its generation; the leader's lists all members. */
export function joined(live: LiveGroup, memberId: string): JoinAnswer {
  return {
    errorCode: ErrorCode.NONE,
    generationId: live.generation,
    protocolType: live.protocolType,
    protocolName: live.protocol,
    leader: live.leader ?? "",
    memberId,
    members: live.leader === memberId ? subscriptions(live) : [],
  };
}

function subscriptions(live: LiveGroup): JoinAnswer["members"] {
  return [...live.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: metadataOf(member, live.protocol ?? "") ?? EMPTY_BYTES,
  }));
}

export function joinRefused(memberId: string, errorCode: number): JoinAnswer {
  return { errorCode, protocolName: null, leader: "", memberId, members: [] };
}

export function synced({ live }: ClassicGroup, assignment: Uint8Array): SyncAnswer {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: live.protocolType,
    protocolName: live.protocol,
    assignment,
  };
}

export function syncRefused(errorCode: number): SyncAnswer {
  return { errorCode, assignment: EMPTY_BYTES };
}

/** Answers a join that waits, if one does. */
export function answerJoin(
  turn: GroupTurn,
  live: LiveGroup,
  member: ClassicMember,
  answer: JoinAnswer,
) {
  const join = live.setJoin(member, null);
  if (join !== null) turn.reply(join, answer);
}

/** Answers a sync that waits; false when none does. */
export function answerSync(turn: GroupTurn, member: ClassicMember, answer: SyncAnswer): boolean {
  const { sync } = member;
  member.sync = null;
  if (sync !== null) turn.reply(sync, answer);
  return sync !== null;
}
