/**
 * TxnOffsetCommit, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: leader epoch of the committed offset (KIP-320)
 * - v3: flexible; generation, member and instance id (KIP-447)
 * - v4: may answer TRANSACTION_ABORTABLE (KIP-890)
 * - v5: adds the group to the transaction by itself (KIP-890)
 */
import { api, array, i16, i32, offset, string } from "../schema.ts";

export const TxnOffsetCommit = api({
  key: 28,
  name: "TxnOffsetCommit",
  versions: "0-5",
  flexible: "3+",
  request: {
    transactionalId: string,
    groupId: string,
    producerId: offset,
    producerEpoch: i16,
    generationId: i32.default(-1).in("3+"),
    memberId: string.default("").in("3+"),
    groupInstanceId: string.nullable().default(null).in("3+"),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        committedOffset: offset,
        committedLeaderEpoch: i32.default(-1).in("2+"),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32.default(0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
      }),
    }),
  },
});
