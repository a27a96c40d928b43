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

/** The offset of the next record that a group shall read of a partition. */
export interface GroupOffset extends TopicPartition {
  readonly offset: number;
  /** Any text; at most 4096 bytes unless the broker is set otherwise. */
  readonly metadata?: string | undefined;
}

export interface PartitionLag extends TopicPartition {
  /** Null where a member reads a partition of which nothing was committed yet. */
  readonly committed: number | null;
  /** Offset after the partition's last record; null when the topic or partition is gone. */
  readonly end: number | null;
  /** `end - committed`, null unless there are both. */
  readonly lag: number | null;
  /** Who reads the partition now. */
  readonly memberId: string | null;
}

/** The last versions that name topics by name. */
const NAMED = { maxVersion: 9 };

/** All a group has committed; nothing for a group that does not exist, as in Kafka. */
export function groupOffsets(client: Client, groupId: string): Promise<Required<GroupOffset>[]> {
  return askCoordinator(client, groupId, "offsets", async (coordinator) => {
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
 * Commits for a group without members. Rejects with UNKNOWN_MEMBER_ID while it has some, and with
 * the first error of a partition; the partitions without one are committed all the same.
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
  const answers = await askCoordinator(client, groupId, "new offsets", async (coordinator) => {
    const answer = await coordinator.request(OffsetCommit, body, NAMED);
    // OffsetCommit has no place for an error of the whole: the coordinator's come with partitions.
    assertPartitions(groupId, answer.topics, mayMend);
    return answer.topics;
  });
  // Outside the tries: a partition that is not there won't come by asking again.
  assertPartitions(groupId, answers);
}

function mayMend(errorCode: number): boolean {
  return errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && errorOf(errorCode).retriable;
}

/** Rejects with GROUP_SUBSCRIBED_TO_TOPIC for topics that members still read (KIP-496). */
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
  const answers = await askCoordinator(client, groupId, what, async (coordinator) => {
    const answer = await coordinator.request(OffsetDelete, { groupId, topics });
    assertOk(answer.errorCode, `group ${groupId}`);
    assertPartitions(groupId, answer.topics, mayMend);
    return answer.topics;
  });
  assertPartitions(groupId, answers);
}

/** Of every partition the group has committed or is reading. */
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
  // One look at each topic: else every partition would ask for its leader at once.
  const topics = new Set([...all.values()].map(({ topic }) => topic));
  await Promise.all([...topics].map((topic) => client.topic(topic).catch(goneIsNull)));
  const lags = [...all.values()].map(async ({ topic, partition, offset }) => {
    const committed = offset ?? null;
    const end = await resolveOffset(client, { topic, partition }, "latest").catch(goneIsNull);
    const lag = committed === null || end === null ? null : end - committed;
    const memberId = readers.get(partitionKey({ topic, partition })) ?? null;
    return { topic, partition, committed, end, lag, memberId };
  });
  return (await Promise.all(lags)).sort(byPartition);
}

function goneIsNull(error: unknown): null {
  const gone = ["TARPAN_UNKNOWN_TOPIC", "TARPAN_UNKNOWN_PARTITION"];
  if (error instanceof ClientError && gone.includes(error.code)) return null;
  throw error;
}

type Answers = readonly {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
}[];

/** Throws the first error that is `among` those looked for. */
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
