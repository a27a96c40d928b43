import { ErrorCode } from "@tarpan/protocol";
import type { Services } from "./handler.ts";

/**
 * The name of a topic that a request calls by name or, in newer versions, by id only (KIP-516).
 * Null for an id nobody has.
 */
export function topicNameOf(
  services: Services,
  name: string,
  topicId: string,
  byId: boolean,
): string | null {
  if (!byId) return name;
  return services.metadata.image.topicsById.get(topicId)?.name ?? null;
}

/** What a topic that can't be found is answered with. */
export function unknownTopicCode(byId: boolean): ErrorCode {
  return byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}
