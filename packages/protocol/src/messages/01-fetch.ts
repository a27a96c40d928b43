import { api, array, i8, i16, i32, offset, records, string, struct, uuid } from "../schema.ts";

export const Fetch = api({
  key: 1,
  name: "Fetch",
  versions: "4-17",
  flexible: "12+",
  request: {
    clusterId: string.nullable().default(null).tag(0, "12+"),
    replicaId: i32.default(-1).in("0-14"),
    replicaState: struct({
      replicaId: i32.default(-1),
      replicaEpoch: offset.default(-1),
    }).tag(1, "15+"),
    maxWaitMs: i32,
    minBytes: i32,
    maxBytes: i32.default(0x7fffffff),
    isolationLevel: i8.default(0),
    sessionId: i32.default(0).in("7+"),
    sessionEpoch: i32.default(-1).in("7+"),
    topics: array({
      topic: string.in("0-12"),
      topicId: uuid.in("13+"),
      partitions: array({
        partition: i32,
        currentLeaderEpoch: i32.default(-1).in("9+"),
        fetchOffset: offset,
        lastFetchedEpoch: i32.default(-1).in("12+"),
        logStartOffset: offset.default(-1).in("5+"),
        partitionMaxBytes: i32,
        replicaDirectoryId: uuid.tag(0, "17+"),
      }),
    }),
    forgottenTopicsData: array({
      topic: string.in("7-12"),
      topicId: uuid.in("13+"),
      partitions: array(i32),
    }).in("7+"),
    rackId: string.default("").in("11+"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16.in("7+"),
    sessionId: i32.default(0).in("7+"),
    responses: array({
      topic: string.in("0-12"),
      topicId: uuid.in("13+"),
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        highWatermark: offset,
        lastStableOffset: offset.default(-1),
        logStartOffset: offset.default(-1).in("5+"),
        divergingEpoch: struct({
          epoch: i32.default(-1),
          endOffset: offset.default(-1),
        }).tag(0, "12+"),
        currentLeader: struct({
          leaderId: i32.default(-1),
          leaderEpoch: i32.default(-1),
        }).tag(1, "12+"),
        snapshotId: struct({
          endOffset: offset.default(-1),
          epoch: i32.default(-1),
        }).tag(2, "12+"),
        abortedTransactions: array({
          producerId: offset,
          firstOffset: offset,
        }).nullable(),
        preferredReadReplica: i32.default(-1).in("11+"),
        records: records,
      }),
    }),
    nodeEndpoints: array({
      nodeId: i32,
      host: string,
      port: i32,
      rack: string.nullable().default(null),
    }).tag(0, "16+"),
  },
});
