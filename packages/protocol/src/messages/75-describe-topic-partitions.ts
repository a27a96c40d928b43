/**
 * DescribeTopicPartitions, version 0.
 *
 * - v0: baseline, flexible: topics in pages, with a cursor (KIP-966)
 */
import { api, array, bool, i16, i32, string, struct, uuid } from "../schema.ts";

export const DescribeTopicPartitions = api({
  key: 75,
  name: "DescribeTopicPartitions",
  versions: "0",
  flexible: "0+",
  request: {
    topics: array({
      name: string,
    }),
    responsePartitionLimit: i32.default(2000),
    cursor: struct({
      topicName: string,
      partitionIndex: i32,
    })
      .nullable()
      .default(null),
  },
  response: {
    throttleTimeMs: i32.default(0),
    topics: array({
      errorCode: i16,
      name: string.nullable(),
      topicId: uuid,
      isInternal: bool.default(false),
      partitions: array({
        errorCode: i16,
        partitionIndex: i32,
        leaderId: i32,
        leaderEpoch: i32.default(-1),
        replicaNodes: array(i32),
        isrNodes: array(i32),
        eligibleLeaderReplicas: array(i32).nullable().default(null),
        lastKnownElr: array(i32).nullable().default(null),
        offlineReplicas: array(i32),
      }),
      topicAuthorizedOperations: i32.default(-2147483648),
    }),
    nextCursor: struct({
      topicName: string,
      partitionIndex: i32,
    })
      .nullable()
      .default(null),
  },
});
