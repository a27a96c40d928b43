import { ZERO_UUID } from "@tarpan/protocol";
import type { TopicImage } from "../../metadata/image.ts";
import { type CommittedOffset, tombstone } from "../model/offset-store.ts";
import type { Step } from "../operation.ts";

/** The metadata no longer has these topics: what was committed for them goes. */
export function topicsDeleted(topics: readonly string[]): Step {
  return (state, { image }, effects) => {
    for (const groupId of state.offsets.groupIds()) {
      const committed = state.offsets.topicsOf(groupId)!;
      for (const name of topics) {
        for (const [partition, offset] of committed.get(name) ?? []) {
          const isAnew = image.topics.get(name)?.id === offset.topicId;
          if (!isAnew) effects.records.push(tombstone(groupId, name, partition));
        }
      }
    }
  };
}

/** The same for topics that were deleted while this shard wasn't loaded. */
export const forgetDeletedTopics: Step = ({ offsets }, { image }, effects) => {
  for (const groupId of offsets.groupIds()) {
    for (const [name, partitions] of offsets.topicsOf(groupId)!) {
      const topic = image.topics.get(name);
      for (const [partition, offset] of partitions) {
        if (!isOf(topic, offset)) effects.records.push(tombstone(groupId, name, partition));
      }
    }
  }
};

/** Records of Kafka before 4.1 and those with a time of expiry lack the topic id. */
function isOf(topic: TopicImage | undefined, { topicId }: CommittedOffset): boolean {
  return topic !== undefined && (topicId === ZERO_UUID || topicId === topic.id);
}
