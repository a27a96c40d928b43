/**
 * DeleteTopics, versions 1-6.
 *
 * - v1: baseline: throttle time
 * - v2: throttling happens after the response
 * - v3: may answer TOPIC_DELETION_DISABLED
 * - v4: flexible
 * - v5: error messages; may answer THROTTLING_QUOTA_EXCEEDED (KIP-599)
 * - v6: topics by name or id (KIP-516)
 */
import { api, array, i16, i32, string, uuid } from "../schema.ts";

export const DeleteTopics = api({
  key: 20,
  name: "DeleteTopics",
  versions: "1-6",
  flexible: "4+",
  request: {
    topics: array({
      name: string.nullable().default(null),
      topicId: uuid,
    }).in("6+"),
    topicNames: array(string).in("0-5"),
    timeoutMs: i32,
  },
  response: {
    throttleTimeMs: i32.default(0),
    responses: array({
      name: string.nullable("6+"),
      topicId: uuid.in("6+"),
      errorCode: i16,
      errorMessage: string.nullable().default(null).in("5+"),
    }),
  },
});
