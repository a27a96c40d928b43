import type { GroupValue } from "@tarpan/protocol";
import { ownBytes } from "./member.ts";

export type GroupMetadataValue = GroupValue<"GroupMetadata">;
export type MemberValue = GroupMetadataValue["members"][number];

/**
 * The last generation whose assignment was recorded: the group's state after a crash. Immutable;
 * only `apply` replaces it.
 */
export interface RecordedGroup {
  readonly generation: number;
  /** "" for a group that never had a member. */
  readonly protocolType: string;
  readonly protocol: string | null;
  readonly leader: string | null;
  /** Wall ms when the group entered the recorded state; -1 when that was never recorded. */
  readonly timestampMs: number;
  readonly members: ReadonlyMap<string, MemberValue>;
}

/** A group without a record: it only has offsets, of standalone consumers. */
export const NEVER_RECORDED: RecordedGroup = {
  generation: 0,
  protocolType: "",
  protocol: null,
  leader: null,
  timestampMs: -1,
  members: new Map(),
};

export function recordedOf(value: GroupMetadataValue): RecordedGroup {
  const members = new Map<string, MemberValue>();
  for (const member of value.members) {
    const subscription = ownBytes(member.subscription);
    const assignment = ownBytes(member.assignment);
    members.set(member.memberId, { ...member, subscription, assignment });
  }
  return {
    generation: value.generation,
    protocolType: value.protocolType,
    protocol: value.protocol,
    leader: value.leader,
    timestampMs: value.currentStateTimestamp,
    members,
  };
}
