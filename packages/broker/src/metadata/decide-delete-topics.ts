import { ErrorCode } from "@tarpan/protocol";
import type { Decision } from "../state-machine/replayed.ts";
import type { MetadataImage, TopicImage } from "./image.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { type MetadataRecord, removeTopicRecord } from "./records.ts";
import { isInternalTopic } from "./topic-names.ts";

/** A topic by its name or by its id, the other being null. */
export type TopicRef =
  | { readonly name: string; readonly id: null }
  | { readonly name: null; readonly id: string };

export type DeletedTopic = Outcome & {
  /** Null when the topic was asked for by an id that is unknown. */
  readonly name: string | null;
  /** Null when the topic was asked for by a name that is unknown. */
  readonly id: string | null;
};

export function decideDeleteTopics(
  image: MetadataImage,
  refs: readonly TopicRef[],
): Decision<MetadataRecord, DeletedTopic[]> {
  const doomed = new Map<string, TopicImage>();
  const response = refs.map((ref): DeletedTopic => {
    const topic = ref.id === null ? image.topics.get(ref.name) : image.topicsById.get(ref.id);
    if (topic === undefined) return { ...ref, ...refused(unknownCode(ref)) };
    const { name, id } = topic;
    if (isInternalTopic(name)) {
      const text = `${name} is internal, it can't be deleted by a client`;
      return { name, id, ...refused(ErrorCode.INVALID_TOPIC_EXCEPTION, text) };
    }
    if (doomed.has(id)) {
      const text = `topic '${name}' is named twice`;
      return { name, id, ...refused(ErrorCode.INVALID_REQUEST, text) };
    }
    doomed.set(id, topic);
    return { name, id, ...DONE };
  });
  return { records: [...doomed.keys()].map(removeTopicRecord), response };
}

function unknownCode(ref: TopicRef): number {
  return ref.id === null ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID;
}
