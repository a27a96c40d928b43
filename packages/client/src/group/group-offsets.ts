import { OffsetCommit, OffsetFetch } from "@tarpan/protocol";
import type { GroupOffset } from "../admin/group-offsets.ts";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import { byTopic, type TopicPartition } from "../connection/offsets.ts";
import { assertOk } from "../errors.ts";

/** The identity with which a member commits. */
export interface Committer {
  readonly memberId: string;
  /** The generation, or with the consumer protocol the member epoch. */
  readonly generation: number;
  readonly groupInstanceId: string | null;
}

export const NO_MEMBER: Committer = { memberId: "", generation: -1, groupInstanceId: null };

/** The last version of OffsetCommit and OffsetFetch that identifies topics by name. */
const NAMED = { maxVersion: 9 };

/**
 * Resolves to the first error code of the response, 0 if it has none. Topics are identified by the
 * ids from `topicIdOf` if the broker can and all have one: a name may mean a new topic by now.
 */
export async function commitOffsets(
  link: CoordinatorLink,
  { memberId, generation, groupInstanceId }: Committer,
  offsets: readonly GroupOffset[],
  topicIdOf: (topic: string) => string | undefined,
): Promise<number> {
  const groupId = link.key;
  const topics = byTopic(offsets).map(([name, list]) => ({
    name,
    topicId: topicIdOf(name),
    partitions: list.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: metadata ?? "",
    })),
  }));
  const member = { memberId, groupInstanceId, generationIdOrMemberEpoch: generation };
  const options = topics.every(({ topicId }) => topicId !== undefined) ? {} : NAMED;
  const answer = await link.request(OffsetCommit, { groupId, ...member, topics }, options);
  for (const { partitions } of answer.topics)
    for (const { errorCode } of partitions) if (errorCode !== 0) return errorCode;
  return 0;
}

/**
 * The committed offsets of `partitions`; partitions without one are left out. Rejects with the
 * retriable UNSTABLE_OFFSET_COMMIT while a transaction with offsets is open (KIP-447).
 */
export async function fetchOffsets(
  link: CoordinatorLink,
  { memberId, generation: memberEpoch }: Committer,
  partitions: readonly TopicPartition[],
): Promise<GroupOffset[]> {
  const groupId = link.key;
  const topics = byTopic(partitions).map(([name, list]) => ({
    name,
    partitionIndexes: list.map(({ partition }) => partition),
  }));
  const groups = [{ groupId, memberId: memberId || null, memberEpoch, topics }];
  const body = { groupId, topics, groups, requireStable: true };
  const answer = await link.request(OffsetFetch, body, NAMED);
  const found = answer.groups[0] ?? answer;
  assertOk(found.errorCode, `offsets of group ${groupId}`);
  const offsets: GroupOffset[] = [];
  for (const { name, partitions } of found.topics)
    for (const { partitionIndex, committedOffset, metadata, errorCode } of partitions) {
      assertOk(errorCode, `offset of group ${groupId} in ${name}-${partitionIndex}`);
      if (committedOffset < 0) continue;
      offsets.push({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        metadata: metadata ?? "",
      });
    }
  return offsets;
}
