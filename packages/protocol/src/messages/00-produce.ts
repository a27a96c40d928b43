/**
 * Produce, versions 3-13.
 *
 * - v3: baseline: transactional id, record batch v2
 * - v4: may answer KAFKA_STORAGE_ERROR
 * - v5: log start offset in the response
 * - v6: no change on the wire
 * - v7: zstd batches allowed (KIP-110)
 * - v8: errors of single records (KIP-467)
 * - v9: flexible
 * - v10: current leader and its endpoint (KIP-951)
 * - v11: may answer TRANSACTION_ABORTABLE (KIP-890)
 * - v12: adds the partition to the transaction by itself (KIP-890)
 * - v13: topics by id, no longer by name (KIP-516)
 */
import { api, array, i16, i32, offset, records, string, struct, uuid } from "../schema.ts";

export const Produce = api({
  key: 0,
  name: "Produce",
  versions: "3-13",
  flexible: "9+",
  request: {
    transactionalId: string.nullable().default(null),
    acks: i16,
    timeoutMs: i32,
    topicData: array({
      name: string.in("0-12"),
      topicId: uuid.in("13+"),
      partitionData: array({
        index: i32,
        records,
      }),
    }),
  },
  response: {
    responses: array({
      name: string.in("0-12"),
      topicId: uuid.in("13+"),
      partitionResponses: array({
        index: i32,
        errorCode: i16,
        baseOffset: offset,
        logAppendTimeMs: offset.default(-1),
        logStartOffset: offset.default(-1).in("5+"),
        recordErrors: array({
          batchIndex: i32,
          batchIndexErrorMessage: string.nullable().default(null),
        }).in("8+"),
        errorMessage: string.nullable().default(null).in("8+"),
        currentLeader: struct({
          leaderId: i32.default(-1),
          leaderEpoch: i32.default(-1),
        }).tag(0, "10+"),
      }),
    }),
    throttleTimeMs: i32.default(0),
    nodeEndpoints: array({
      nodeId: i32,
      host: string,
      port: i32,
      rack: string.nullable().default(null),
    }).tag(0, "10+"),
  },
});
