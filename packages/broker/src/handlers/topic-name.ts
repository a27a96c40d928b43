import { ErrorCode } from "@tarpan/protocol";
import type { Services } from "./handler.ts";

/**
 * The name of a topic that a request names by its name or, in newer versions, only by its id
 * (KIP-516). Null for an unknown id.
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

/** The error code for an unknown topic. */
export function unknownTopicCode(byId: boolean): ErrorCode {
  return byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}
