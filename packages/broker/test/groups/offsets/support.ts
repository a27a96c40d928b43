import {
  type GroupRecord,
  type OffsetCommit,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { GroupLike } from "../../../src/groups/model/group.ts";
import type { Group } from "../../../src/groups/model/state.ts";
import { commitOffsets } from "../../../src/groups/operations/commit-offsets.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import {
  GroupHarness,
  imageOf as imageOfTopics,
  type PendingGroup,
  topicId,
  topicOf,
} from "../harness.ts";

export { topicId } from "../harness.ts";

export const CHECK_MS = 600_000;
export const RETENTION_MS = 7 * 86_400_000;

/** The last version of OffsetCommit with topic names. */
const BY_NAME = 9;

type CommitRequest = RequestOf<typeof OffsetCommit>;

/** A metadata image of these topics, by name and id, with 100 partitions each. */
export function imageOf(topics: Readonly<Record<string, string>>): MetadataImage {
  return imageOfTopics(Object.entries(topics).map(([name, id]) => topicOf(name, 100, id)));
}

/** Runs the group coordinator for commits. */
export class OffsetWorld extends GroupHarness {
  constructor() {
    super({ offsetsRetentionMs: RETENTION_MS, offsetsRetentionCheckIntervalMs: CHECK_MS });
    this.image = imageOf({ t: topicId("t"), u: topicId("u"), v: topicId("v") });
    this.loaded();
  }

  /** Commits as a standalone consumer (assign), unless `fields` say otherwise. */
  commit(
    groupId: string,
    topic: string,
    partitionIndex: number,
    committedOffset: number,
    fields: Partial<CommitRequest> = {},
  ): PendingGroup<ResponseInput<typeof OffsetCommit>> {
    const partition = {
      partitionIndex,
      committedOffset,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    };
    const request: CommitRequest = {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: "",
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [{ name: topic, topicId: ZERO_UUID, partitions: [partition] }],
      ...fields,
    };
    return this.run(commitOffsets(request, BY_NAME));
  }

  /** Adds a stub of an empty group of consumers; `group` overrides what it returns. */
  addGroup(group: Partial<GroupLike> & { groupId: string }): void {
    this.state.put({ ...EMPTY_CONSUMERS, ...group } as unknown as Group);
  }
}

const EMPTY_CONSUMERS: Omit<GroupLike, "groupId"> = {
  kind: "classic",
  stateName: "Empty",
  protocolType: "consumer",
  emptySinceMs: 0,
  validateOffsetCommit: () => 0,
  validateOffsetFetch: () => 0,
  validateDelete: () => 0,
  isSubscribedTo: () => false,
  tombstones: () => [],
};

export function tombstone(group: string, topic: string, partition: number): GroupRecord {
  return { record: "OffsetCommit", key: { group, topic, partition }, value: null };
}
