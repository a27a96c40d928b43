/**
 * Metadata, versions 0-13.
 *
 * - v0: baseline: an empty topic list asks for all
 * - v1: racks, controller id, internal topics; null asks for all, empty for none
 * - v2: cluster id
 * - v3: throttle time
 * - v4: auto-creation can be declined
 * - v5: offline replicas
 * - v6: throttling happens after the response
 * - v7: leader epochs (KIP-320)
 * - v8: authorized operations on request (KIP-430)
 * - v9: flexible
 * - v10: topic ids (KIP-516)
 * - v11: the cluster's authorized operations move to DescribeCluster (KIP-700)
 * - v12: topics can be asked for by id
 * - v13: top-level error code
 */
import { api, array, bool, i16, i32, string, uuid } from "../schema.ts";

export const Metadata = api({
  key: 3,
  name: "Metadata",
  versions: "0-13",
  flexible: "9+",
  request: {
    topics: array({
      topicId: uuid.in("10+"),
      name: string.nullable("10+"),
    }).nullable("1+"),
    allowAutoTopicCreation: bool.default(true).in("4+"),
    includeClusterAuthorizedOperations: bool.in("8-10"),
    includeTopicAuthorizedOperations: bool.in("8+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("3+"),
    brokers: array({
      nodeId: i32,
      host: string,
      port: i32,
      rack: string.nullable().default(null).in("1+"),
    }),
    clusterId: string.nullable().default(null).in("2+"),
    controllerId: i32.default(-1).in("1+"),
    topics: array({
      errorCode: i16,
      name: string.nullable("12+"),
      topicId: uuid.in("10+"),
      isInternal: bool.default(false).in("1+"),
      partitions: array({
        errorCode: i16,
        partitionIndex: i32,
        leaderId: i32,
        leaderEpoch: i32.default(-1).in("7+"),
        replicaNodes: array(i32),
        isrNodes: array(i32),
        offlineReplicas: array(i32).in("5+"),
      }),
      topicAuthorizedOperations: i32.default(-2147483648).in("8+"),
    }),
    clusterAuthorizedOperations: i32.default(-2147483648).in("8-10"),
    errorCode: i16.in("13+"),
  },
});
