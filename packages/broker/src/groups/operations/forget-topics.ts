import { ZERO_UUID } from "@tarpan/protocol";
import type { TopicImage } from "../../metadata/image.ts";
import type { CommittedOffset } from "../model/committed-offset.ts";
import { tombstone } from "../model/offset-store.ts";
import { pendingTombstone } from "../model/pending-offsets.ts";
import type { GroupTurn } from "../turn.ts";

/** Deletes the offsets of deleted topics, but not those of a new topic of the same name. */
export function forgetTopics(turn: GroupTurn, topics: readonly string[]): void {
  const { offsets } = turn.state;
  for (const groupId of offsets.groupIds()) {
    const committed = offsets.topicsOf(groupId);
    if (committed === undefined) continue;
    for (const name of topics) {
      for (const [partition, offset] of committed.get(name) ?? []) {
        const isOfNewTopic = turn.image.topics.get(name)?.id === offset.topicId;
        if (!isOfNewTopic) turn.append(tombstone(groupId, name, partition));
      }
    }
  }
  forgetPending(turn);
}

/** The same for topics that were deleted while this shard was not loaded. */
export function forgetDeletedTopics(turn: GroupTurn): void {
  const { offsets } = turn.state;
  for (const groupId of offsets.groupIds()) {
    for (const [name, partitions] of offsets.topicsOf(groupId) ?? []) {
      const topic = turn.image.topics.get(name);
      for (const [partition, offset] of partitions) {
        if (!isOf(topic, offset)) turn.append(tombstone(groupId, name, partition));
      }
    }
  }
  forgetPending(turn);
}

/** Pending offsets are few, so all are checked. */
function forgetPending(turn: GroupTurn): void {
  for (const pending of turn.state.offsets.pending) {
    const topic = turn.image.topics.get(pending.topic);
    if (topic?.id !== pending.value.topicId) turn.append(pendingTombstone(pending));
  }
}

/** Records of Kafka before 4.1, and those with an expiry time, have no topic id. */
function isOf(topic: TopicImage | undefined, { topicId }: CommittedOffset): boolean {
  return topic !== undefined && (topicId === ZERO_UUID || topicId === topic.id);
}
