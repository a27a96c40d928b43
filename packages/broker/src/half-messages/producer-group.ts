import { hashId } from "../held/id-hash.ts";
import { MAX_ID_BYTES } from "../held/limits.ts";
import { MAX_TOPIC_NAME_LENGTH } from "../metadata/limits.ts";
import { topicNameProblem } from "../metadata/topic-names.ts";

/** The topic that the members of a producer group are asked in. */
export function checksTopicOf(group: string): string {
  return `${group}.checks`;
}

/** Why no producer group can have this name; null if one can. */
export function groupProblem(group: string): string | null {
  if (group === "") return "it names no producer group";
  const wrong = topicNameProblem(checksTopicOf(group));
  return wrong === null ? null : `the topic of its checks can't be created: ${wrong}`;
}

const pair = Buffer.alloc(MAX_TOPIC_NAME_LENGTH + 1 + MAX_ID_BYTES);

/**
 * Computes the hash of a message's identity: an id belongs to its producer group. No group's name
 * contains a zero. What is longer than a name or an id may be is cut: no message has it.
 */
export function hashIdentity(group: Uint8Array, id: Uint8Array): void {
  const groupBytes = Math.min(group.byteLength, MAX_TOPIC_NAME_LENGTH);
  const idBytes = Math.min(id.byteLength, MAX_ID_BYTES);
  pair.set(group.subarray(0, groupBytes));
  pair[groupBytes] = 0;
  pair.set(id.subarray(0, idBytes), groupBytes + 1);
  hashId(pair.subarray(0, groupBytes + 1 + idBytes));
}
