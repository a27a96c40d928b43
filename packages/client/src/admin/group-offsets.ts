import { ErrorCode, errorOf, OffsetCommit, OffsetDelete, OffsetFetch } from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import {
  byTopic,
  partitionKey,
  resolveOffset,
  type TopicPartition,
} from "../connection/offsets.ts";
import { assertOk, ClientError } from "../errors.ts";
import { askCoordinator } from "./coordinator.ts";
import { describeGroup } from "./groups.ts";

/** A group's committed offset in one partition. */
export interface GroupOffset extends TopicPartition {
  /** The offset of the next record that the group will read. */
  readonly offset: number;
  /** Any string, up to the broker's `offset.metadata.max.bytes` (4,096). Default: empty. */
  readonly metadata?: string | undefined;
}

export interface PartitionLag extends TopicPartition {
  /** Null if the group has committed no offset in the partition. */
  readonly committed: number | null;
  /** The partition's end offset; null if the topic or partition no longer exists. */
  readonly end: number | null;
  /** `end - committed`, in records; null if one of them is. */
  readonly lag: number | null;
  /** The member that the partition is assigned to. */
  readonly memberId: string | null;
}

/** The last version of OffsetCommit and OffsetFetch that identifies topics by name. */
const NAMED = { maxVersion: 9 };

/** All offsets that a group has committed. Empty if the group does not exist, as in Kafka. */
export function groupOffsets(client: Client, groupId: string): Promise<Required<GroupOffset>[]> {
  return askCoordinator(client, "group", groupId, "offsets", async (coordinator) => {
    const body = { groupId, topics: null, groups: [{ groupId, topics: null }] };
    const answer = await coordinator.request(OffsetFetch, body, NAMED);
    const { errorCode, topics } = answer.groups[0] ?? answer;
    assertOk(errorCode, `offsets of group ${groupId}`);
    const offsets = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset, metadata, errorCode }) => {
        assertOk(errorCode, `offset of group ${groupId} in ${name}-${partitionIndex}`);
        const at = { topic: name, partition: partitionIndex };
        return { ...at, offset: committedOffset, metadata: metadata ?? "" };
      }),
    );
    return offsets.filter(({ offset }) => offset >= 0).sort(byPartition);
  });
}

/**
 * Commits for a group without members. Rejects with UNKNOWN_MEMBER_ID while it has members, or with
 * the first error of a partition; the partitions without an error are committed.
 */
export async function alterGroupOffsets(
  client: Client,
  groupId: string,
  offsets: readonly GroupOffset[],
): Promise<void> {
  const topics = byTopic(offsets).map(([name, list]) => ({
    name,
    partitions: list.map(({ partition, offset, metadata = "" }) => {
      return { partitionIndex: partition, committedOffset: offset, committedMetadata: metadata };
    }),
  }));
  const body = { groupId, memberId: "", generationIdOrMemberEpoch: -1, topics };
  const answers = await askCoordinator(
    client,
    "group",
    groupId,
    "new offsets",
    async (coordinator) => {
      const answer = await coordinator.request(OffsetCommit, body, NAMED);
      // An OffsetCommit response has no top-level error: coordinator errors are in its partitions.
      assertPartitions(groupId, answer.topics, isRetriableCode);
      return answer.topics;
    },
  );
  // Not retried: a partition that does not exist.
  assertPartitions(groupId, answers);
}

function isRetriableCode(errorCode: number): boolean {
  return errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && errorOf(errorCode).retriable;
}

/** Rejects with GROUP_SUBSCRIBED_TO_TOPIC while a member subscribes to a topic (KIP-496). */
export async function deleteGroupOffsets(
  client: Client,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<void> {
  const topics = byTopic(partitions).map(([name, list]) => ({
    name,
    partitions: list.map(({ partition }) => ({ partitionIndex: partition })),
  }));
  const what = "deletion of offsets";
  const answers = await askCoordinator(client, "group", groupId, what, async (coordinator) => {
    const answer = await coordinator.request(OffsetDelete, { groupId, topics });
    assertOk(answer.errorCode, `group ${groupId}`);
    assertPartitions(groupId, answer.topics, isRetriableCode);
    return answer.topics;
  });
  assertPartitions(groupId, answers);
}

/** The lag in every partition that the group has committed or that a member is assigned. */
export async function groupLag(client: Client, groupId: string): Promise<PartitionLag[]> {
  const [{ members }, offsets] = await Promise.all([
    describeGroup(client, groupId),
    groupOffsets(client, groupId),
  ]);
  const readers = new Map<string, string>();
  const all = new Map<string, TopicPartition & { readonly offset?: number }>();
  for (const { memberId, partitions } of members)
    for (const { topic, partition } of partitions) {
      readers.set(partitionKey({ topic, partition }), memberId);
      all.set(partitionKey({ topic, partition }), { topic, partition });
    }
  for (const offset of offsets) all.set(partitionKey(offset), offset);
  // Fill the metadata cache first: otherwise each partition would send a Metadata request.
  const topics = new Set([...all.values()].map(({ topic }) => topic));
  await Promise.all([...topics].map((topic) => client.topic(topic).catch(nullIfUnknown)));
  const lags = [...all.values()].map(async ({ topic, partition, offset }) => {
    const committed = offset ?? null;
    const end = await resolveOffset(client, { topic, partition }, "latest").catch(nullIfUnknown);
    const lag = committed === null || end === null ? null : end - committed;
    const memberId = readers.get(partitionKey({ topic, partition })) ?? null;
    return { topic, partition, committed, end, lag, memberId };
  });
  return (await Promise.all(lags)).sort(byPartition);
}

function nullIfUnknown(error: unknown): null {
  const gone = ["TARPAN_UNKNOWN_TOPIC", "TARPAN_UNKNOWN_PARTITION"];
  if (error instanceof ClientError && gone.includes(error.code)) return null;
  throw error;
}

type Answers = readonly {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
}[];

/** Throws the first partition error for which `among` holds. */
function assertPartitions(
  groupId: string,
  topics: Answers,
  among: (errorCode: number) => boolean = () => true,
): void {
  for (const { name, partitions } of topics)
    for (const { partitionIndex, errorCode } of partitions)
      if (errorCode !== 0 && among(errorCode))
        assertOk(errorCode, `offset of group ${groupId} in ${name}-${partitionIndex}`);
}

function byPartition(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}
