/**
 * CreateTopics, versions 2-7.
 *
 * - v2: baseline: validate only, error messages, throttle time
 * - v3: throttling happens after the response
 * - v4: -1 asks for the broker's partitions and replication factor (KIP-464)
 * - v5: flexible; the topic's configs in the response (KIP-525)
 * - v6: may answer THROTTLING_QUOTA_EXCEEDED (KIP-599)
 * - v7: topic id in the response (KIP-516)
 */
import { api, array, bool, i8, i16, i32, string, uuid } from "../schema.ts";

export const CreateTopics = api({
  key: 19,
  name: "CreateTopics",
  versions: "2-7",
  flexible: "5+",
  request: {
    topics: array({
      name: string,
      numPartitions: i32,
      replicationFactor: i16,
      assignments: array({
        partitionIndex: i32,
        brokerIds: array(i32),
      }),
      configs: array({
        name: string,
        value: string.nullable(),
      }),
    }),
    timeoutMs: i32.default(60000),
    validateOnly: bool.default(false),
  },
  response: {
    throttleTimeMs: i32.default(0),
    topics: array({
      name: string,
      topicId: uuid.in("7+"),
      errorCode: i16,
      errorMessage: string.nullable(),
      topicConfigErrorCode: i16.tag(0, "5+"),
      numPartitions: i32.default(-1).in("5+"),
      replicationFactor: i16.default(-1).in("5+"),
      configs: array({
        name: string,
        value: string.nullable(),
        readOnly: bool,
        configSource: i8.default(-1),
        isSensitive: bool,
      })
        .nullable()
        .in("5+"),
    }),
  },
});
