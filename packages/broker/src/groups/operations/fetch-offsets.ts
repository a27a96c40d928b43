import {
  ErrorCode,
  type OffsetFetch,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import type { MetadataImage } from "../../metadata/image.ts";
import type { GroupLike } from "../model/group.ts";
import type { CommittedOffset, OffsetStore } from "../model/offset-store.ts";
import type { GroupOperation } from "../turn.ts";

/** The request for one group, in the form of OffsetFetch v8 and later. */
export type WantedOffsets = RequestOf<typeof OffsetFetch>["groups"][number];
export type GroupOffsets = NonNullable<ResponseInput<typeof OffsetFetch>["groups"]>[number];
type Topic = GroupOffsets["topics"][number];
type Partition = Topic["partitions"][number];

/**
 * Reads committed offsets: -1 when there is none, also when the group is unknown, as in Kafka.
 * There are no transactions yet, so every committed offset is stable.
 */
export function fetchOffsets(wanted: WantedOffsets, byId: boolean): GroupOperation<GroupOffsets> {
  return (turn, reply) => {
    const { image } = turn;
    const { groups, offsets } = turn.state;
    const { groupId, memberId, memberEpoch } = wanted;
    const group: GroupLike | undefined = groups.get(groupId);
    const errorCode = group?.validateOffsetFetch(memberId, memberEpoch) ?? ErrorCode.NONE;
    const topics =
      errorCode !== ErrorCode.NONE
        ? []
        : wanted.topics === null
          ? allTopics(offsets, groupId, image, byId)
          : wanted.topics.map((topic) => wantedTopic(offsets, groupId, topic, image, byId));
    turn.reply(reply, { groupId, topics, errorCode });
  };
}

function allTopics(
  offsets: OffsetStore,
  groupId: string,
  image: MetadataImage,
  byId: boolean,
): Topic[] {
  const topics: Topic[] = [];
  for (const [name, partitions] of offsets.topicsOf(groupId) ?? []) {
    const topicId = image.topics.get(name)?.id ?? ZERO_UUID;
    // A deleted topic has no id; its offsets are about to be deleted.
    if (byId && topicId === ZERO_UUID) continue;
    const found = [...partitions].map(([partition, offset]) => answer(partition, offset));
    topics.push({ name, topicId, partitions: found });
  }
  return topics;
}

function wantedTopic(
  offsets: OffsetStore,
  groupId: string,
  { name, topicId, partitionIndexes }: NonNullable<WantedOffsets["topics"]>[number],
  image: MetadataImage,
  byId: boolean,
): Topic {
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
    const offset = committed?.get(partition);
    return answer(partition, isOf(topicId, offset) ? offset : undefined);
  });
  return { name, topicId, partitions };
}

/** False when the offset was committed for an earlier topic of the same name. */
function isOf(topicId: string, offset: CommittedOffset | undefined): boolean {
  return topicId === ZERO_UUID || offset?.topicId === ZERO_UUID || offset?.topicId === topicId;
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
