import { MAX_TOPIC_NAME_LENGTH } from "./limits.ts";

export const CLUSTER_METADATA_TOPIC = "__cluster_metadata";
/** Kafka's fixed id of the metadata topic. */
export const CLUSTER_METADATA_TOPIC_ID = "00000000-0000-0000-0000-000000000001";

export const CONSUMER_OFFSETS_TOPIC = "__consumer_offsets";
export const TRANSACTION_STATE_TOPIC = "__transaction_state";

/** Tarpan's own: messages that are held until their time. */
export const DELAYED_TOPIC = "__delayed";

/** Tarpan's own: messages that are held until they are committed. */
export const HALF_MESSAGES_TOPIC = "__half_messages";

const HELD = new Set([DELAYED_TOPIC, HALF_MESSAGES_TOPIC]);
const INTERNAL = new Set([
  ...[CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC, "__share_group_state"],
  ...HELD,
]);

/** Kafka's `Topic.isInternal`: the broker's own, hidden from consumers by default. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL.has(name);
}

/** Whether the broker holds what clients produce to this topic of its own. */
export function isHeldTopic(name: string): boolean {
  return HELD.has(name);
}

/** Why `name` is no valid topic name, null if it is one (Kafka's `Topic.validate`). */
export function topicNameProblem(name: string): string | null {
  if (name === "") return "a topic name can't be empty";
  if (name === "." || name === "..") return `a topic can't be named '${name}'`;
  if (name.length > MAX_TOPIC_NAME_LENGTH) {
    return `a topic name has at most ${MAX_TOPIC_NAME_LENGTH} characters, this one ${name.length}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `topic name '${name}' has characters other than ASCII letters, digits, '.', '_' and '-'`;
  }
  return null;
}

/**
 * The same text for names that differ only in '.' instead of '_' or the other way round. Kafka
 * refuses such pairs because both get the same metric name.
 */
export function metricNameOf(name: string): string {
  return name.replaceAll(".", "_");
}
