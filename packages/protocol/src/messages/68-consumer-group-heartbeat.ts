/**
 * ConsumerGroupHeartbeat, versions 0-1.
 *
 * - v0: baseline, flexible (KIP-848)
 * - v1: subscription by regular expression; the client makes its member id (KIP-1082)
 */
import { api, array, i16, i32, string, struct, uuid } from "../schema.ts";

const topicPartitions = {
  topicId: uuid,
  partitions: array(i32),
};

export const ConsumerGroupHeartbeat = api({
  key: 68,
  name: "ConsumerGroupHeartbeat",
  versions: "0-1",
  flexible: "0+",
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: i32,
    instanceId: string.nullable().default(null),
    rackId: string.nullable().default(null),
    rebalanceTimeoutMs: i32.default(-1),
    subscribedTopicNames: array(string).nullable().default(null),
    subscribedTopicRegex: string.nullable().default(null).in("1+"),
    serverAssignor: string.nullable().default(null),
    topicPartitions: array({
      topicId: uuid,
      partitions: array(i32),
    })
      .nullable()
      .default(null),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable().default(null),
    memberId: string.nullable().default(null),
    memberEpoch: i32,
    heartbeatIntervalMs: i32,
    assignment: struct({
      topicPartitions: array(topicPartitions),
    })
      .nullable()
      .default(null),
  },
});
