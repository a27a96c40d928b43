import { ErrorCode } from "@tarpan/protocol";
import type { Decision } from "../state-machine/replayed-state.ts";
import type { MetadataImage } from "./image.ts";
import { DONE, type Outcome, refused, unknownTopic } from "./outcome.ts";
import { type MetadataRecord, removeTopicRecord } from "./records.ts";
import { isInternalTopic } from "./topic-names.ts";

/** A topic by its name or by its id; the other one is null. */
export interface TopicRef {
  readonly name: string | null;
  readonly id: string | null;
}

export type DeletedTopic = Outcome & {
  /** Null if the request has an unknown id. */
  readonly name: string | null;
  /** Null if the request has an unknown name. */
  readonly id: string | null;
};

export function decideDeleteTopics(
  image: MetadataImage,
  refs: readonly TopicRef[],
): Decision<MetadataRecord, DeletedTopic[]> {
  const topicOf = (ref: TopicRef) =>
    ref.id === null ? image.topics.get(ref.name ?? "") : image.topicsById.get(ref.id);
  const times = new Map<string, number>();
  for (const id of refs.map((ref) => topicOf(ref)?.id ?? "")) {
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  const deletedIds: string[] = [];
  const response = refs.map((ref): DeletedTopic => {
    const topic = topicOf(ref);
    if (topic === undefined) return { ...ref, ...unknown(ref) };
    const { name, id } = topic;
    if (isInternalTopic(name)) {
      const text = `${name} is internal: clients can't delete it`;
      return { name, id, ...refused(ErrorCode.INVALID_TOPIC_EXCEPTION, text) };
    }
    // As in Kafka nothing is deleted then: a client that names it twice may mean another topic.
    if (times.get(id)! > 1) {
      const text = `topic '${name}' is named twice`;
      return { name, id, ...refused(ErrorCode.INVALID_REQUEST, text) };
    }
    deletedIds.push(id);
    return { name, id, ...DONE };
  });
  return { records: deletedIds.map(removeTopicRecord), response };
}

function unknown({ name, id }: TopicRef): Outcome {
  if (id === null) return unknownTopic(name ?? "");
  return refused(ErrorCode.UNKNOWN_TOPIC_ID, `no topic has the id ${id}`);
}
