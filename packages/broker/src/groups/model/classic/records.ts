import type { GroupRecord } from "@tarpan/protocol";
import type { LiveGroup } from "./live-group.ts";
import { metadataOf } from "./member.ts";
import {
  type GroupMetadataValue,
  type MemberValue,
  NEVER_RECORDED,
  type RecordedGroup,
} from "./recorded-group.ts";

export type GroupMetadataRecord = Extract<GroupRecord, { record: "GroupMetadata" }>;

export const EMPTY_BYTES = new Uint8Array(0);

/** For a snapshot: the record that restores `recorded`. */
export function snapshotRecord(groupId: string, recorded: RecordedGroup): GroupMetadataRecord {
  return record(groupId, {
    protocolType: recorded.protocolType,
    generation: recorded.generation,
    protocol: recorded.protocol,
    leader: recorded.leader,
    currentStateTimestamp: recorded.timestampMs,
    members: [...recorded.members.values()],
  });
}

/** The group as it is now, with these assignments; other members get an empty one. */
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

/** Creates a group before its first generation, with the same record as Kafka. */
export function firstRecord(groupId: string, wallMs: number): GroupMetadataRecord {
  return snapshotRecord(groupId, { ...NEVER_RECORDED, timestampMs: wallMs });
}

export function tombstone(groupId: string): GroupMetadataRecord {
  return { record: "GroupMetadata", key: { group: groupId }, value: null };
}

function record(groupId: string, value: GroupMetadataValue): GroupMetadataRecord {
  return { record: "GroupMetadata", key: { group: groupId }, value };
}
