/**
 * Fetch, versions 4-18.
 *
 * - v4: baseline: isolation level, last stable offset, aborted transactions
 * - v5: log start offset
 * - v6: may answer KAFKA_STORAGE_ERROR
 * - v7: fetch sessions (KIP-227)
 * - v8: throttling happens after the response
 * - v9: current leader epoch (KIP-320)
 * - v10: zstd batches allowed (KIP-110)
 * - v11: rack and preferred read replica (KIP-392)
 * - v12: flexible; last fetched epoch, diverging epoch, current leader
 * - v13: topics by id, no longer by name (KIP-516)
 * - v14: may answer OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405)
 * - v15: the replica id moves into a tagged replica state (KIP-903)
 * - v16: endpoints of new leaders (KIP-951)
 * - v17: directory id of the fetching replica (KIP-853)
 * - v18: the high watermark that the fetching replica knows (KIP-1166)
 *
 * Beyond Kafka: with CORRUPT_MESSAGE, a tagged field gives the first offset after the damage. Other
 * clients ignore the unknown tag (KIP-482).
 */
import {
  api,
  array,
  i8,
  i16,
  i32,
  i64,
  OWN_TAGS,
  offset,
  records,
  string,
  struct,
  uuid,
} from "../schema.ts";

/** The high watermark of a client that is no replica, or older than version 18. */
const NOT_TOLD = 9_223_372_036_854_775_807n;

export const Fetch = api({
  key: 1,
  name: "Fetch",
  versions: "4-18",
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
        highWatermark: i64.default(NOT_TOLD).tag(1, "18+"),
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
        records,
        resumeOffset: offset.default(-1).tag(OWN_TAGS, "12+"),
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
