import {
  ErrorCode,
  type OffsetFetch,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { MetadataImage } from "../../metadata/image.ts";
import type { CommittedOffset } from "../model/committed-offset.ts";
import type { GroupLike } from "../model/group.ts";
import type { OffsetStore } from "../model/offset-store.ts";
import type { GroupOperation } from "../turn.ts";

/** The request for one group, in the form of OffsetFetch v8 and later. */
export type WantedOffsets = RequestOf<typeof OffsetFetch>["groups"][number];
export type GroupOffsets = NonNullable<ResponseInput<typeof OffsetFetch>["groups"]>[number];
type Topic = GroupOffsets["topics"][number];
type Partition = Topic["partitions"][number];

/**
 * Reads committed offsets: -1 when there is none, also when the group is unknown, as in Kafka.
 * `requireStable`: those that a transaction may still change are answered with
 * UNSTABLE_OFFSET_COMMIT (KIP-447).
 */
export function fetchOffsets(
  wanted: WantedOffsets,
  byId: boolean,
  requireStable: boolean,
): GroupOperation<GroupOffsets> {
  return (turn, reply) => {
    const { groups, offsets } = turn.state;
    const { groupId, memberId, memberEpoch } = wanted;
    const group: GroupLike | undefined = groups.get(groupId);
    const errorCode = group?.validateOffsetFetch(memberId, memberEpoch) ?? ErrorCode.NONE;
    // Without pending offsets, as usual, nothing has to be looked up in them.
    const isStable = !requireStable || !offsets.pending.hasGroup(groupId);
    const reader = { offsets, groupId, image: turn.image, byId, isStable };
    const topics =
      errorCode !== ErrorCode.NONE
        ? []
        : wanted.topics === null
          ? allTopics(reader)
          : wanted.topics.map((topic) => wantedTopic(reader, topic));
    turn.reply(reply, { groupId, topics, errorCode });
  };
}

interface Reader {
  readonly offsets: OffsetStore;
  readonly groupId: string;
  readonly image: MetadataImage;
  readonly byId: boolean;
  /** Whether each offset is answered as it is, whatever transactions may do. */
  readonly isStable: boolean;
}

function allTopics(reader: Reader): Topic[] {
  const { offsets, groupId, image, byId } = reader;
  const topics: Topic[] = [];
  for (const [name, partitions] of offsets.topicsOf(groupId) ?? []) {
    const topicId = image.topics.get(name)?.id ?? ZERO_UUID;
    // A deleted topic has no id; its offsets are about to be deleted.
    if (byId && topicId === ZERO_UUID) continue;
    const found = [...partitions].map(([partition, offset]) => {
      return isUnstable(reader, name, partition) ? unstable(partition) : answer(partition, offset);
    });
    topics.push({ name, topicId, partitions: found });
  }
  return topics;
}

function wantedTopic(
  reader: Reader,
  { name, topicId, partitionIndexes }: NonNullable<WantedOffsets["topics"]>[number],
): Topic {
  const { offsets, groupId, image, byId } = reader;
  const topic = byId ? image.topicsById.get(topicId)?.name : name;
  if (topic === undefined) {
    const partitions = partitionIndexes.map((partition) => ({
      ...answer(partition, undefined),
      errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
    }));
    return { name, topicId, partitions };
  }
  const committed = offsets.topicsOf(groupId)?.get(topic);
  const partitions = partitionIndexes.map((partition) => {
    if (isUnstable(reader, topic, partition)) return unstable(partition);
    const offset = committed?.get(partition);
    return answer(partition, isOf(topicId, offset) ? offset : undefined);
  });
  return { name, topicId, partitions };
}

function isUnstable(
  { offsets, groupId, isStable }: Reader,
  topic: string,
  partition: number,
): boolean {
  return !isStable && offsets.pending.has(groupId, topic, partition);
}

/** False when the offset was committed for an earlier topic of the same name. */
function isOf(topicId: string, offset: CommittedOffset | undefined): boolean {
  return topicId === ZERO_UUID || offset?.topicId === ZERO_UUID || offset?.topicId === topicId;
}

function unstable(partitionIndex: number): Partition {
  return { ...answer(partitionIndex, undefined), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT };
}

function answer(partitionIndex: number, offset: CommittedOffset | undefined): Partition {
  return {
    partitionIndex,
    committedOffset: offset?.offset ?? -1,
    committedLeaderEpoch: offset?.leaderEpoch ?? -1,
    metadata: offset?.metadata ?? "",
    errorCode: ErrorCode.NONE,
  };
}
