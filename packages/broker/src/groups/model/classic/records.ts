import type { GroupRecord } from "@tarpan/protocol";
import type { LiveGroup } from "./live-group.ts";
import { metadataOf, ownBytes } from "./member.ts";

export type GroupMetadataRecord = Extract<GroupRecord, { record: "GroupMetadata" }>;
type GroupMetadataValue = NonNullable<GroupMetadataRecord["value"]>;
type MemberValue = GroupMetadataValue["members"][number];

export const EMPTY_BYTES = new Uint8Array(0);

/**
 * The last generation whose assignment was recorded: what a crash leaves of the group. Never
 * changed, only replaced, and that by `applyGroupMetadata` alone.
 */
export interface RecordedGroup {
  readonly generation: number;
  /** "" for a group that never had a member. */
  readonly protocolType: string;
  readonly protocol: string | null;
  readonly leader: string | null;
  /** Wall ms when it became what it is; -1 when that was never recorded. */
  readonly timestampMs: number;
  readonly members: ReadonlyMap<string, MemberValue>;
}

/** A group that only has offsets, as standalone consumers leave it. */
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

/** For a snapshot: the record that leads to `recorded`. */
export function recordAgain(groupId: string, recorded: RecordedGroup): GroupMetadataRecord {
  return record(groupId, {
    protocolType: recorded.protocolType,
    generation: recorded.generation,
    protocol: recorded.protocol,
    leader: recorded.leader,
    currentStateTimestamp: recorded.timestampMs,
    members: [...recorded.members.values()],
  });
}

/** The group as it is now, with these assignments; a member that isn't among them has none. */
export function recordOf(
  groupId: string,
  live: LiveGroup,
  assignments: ReadonlyMap<string, Uint8Array>,
): GroupMetadataRecord {
  const members: MemberValue[] = [];
  for (const member of live.members.values()) {
    members.push({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: metadataOf(member, live.protocol ?? "") ?? EMPTY_BYTES,
      assignment: assignments.get(member.memberId) ?? EMPTY_BYTES,
    });
  }
  return record(groupId, {
    protocolType: live.protocolType,
    generation: live.generation,
    protocol: live.protocol,
    leader: live.leader,
    currentStateTimestamp: live.stateSinceMs,
    members,
  });
}

/** Makes a group known before its first generation: Kafka records it just so. */
export function firstRecord(groupId: string, wallMs: number): GroupMetadataRecord {
  return recordAgain(groupId, { ...NEVER_RECORDED, timestampMs: wallMs });
}

export function tombstone(groupId: string): GroupMetadataRecord {
  return { record: "GroupMetadata", key: { group: groupId }, value: null };
}

function record(groupId: string, value: GroupMetadataValue): GroupMetadataRecord {
  return { record: "GroupMetadata", key: { group: groupId }, value };
}
