/**
 * TxnOffsetCommit, versions 0-6.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: leader epoch of the committed offset (KIP-320)
 * - v3: flexible; generation, member and instance id (KIP-447)
 * - v4: may answer TRANSACTION_ABORTABLE (KIP-890)
 * - v5: adds the group to the transaction by itself (KIP-890)
 * - v6: topics by id, no longer by name; error codes of a member's epoch (KIP-1319)
 */
import { api, array, i16, i32, offset, string, uuid } from "../schema.ts";

export const TxnOffsetCommit = api({
  key: 28,
  name: "TxnOffsetCommit",
  versions: "0-6",
  flexible: "3+",
  request: {
    transactionalId: string,
    groupId: string,
    producerId: offset,
    producerEpoch: i16,
    generationIdOrMemberEpoch: i32.default(-1).in("3+"),
    memberId: string.default("").in("3+"),
    groupInstanceId: string.nullable().default(null).in("3+"),
    topics: array({
      name: string.in("0-5"),
      topicId: uuid.in("6+"),
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
      name: string.in("0-5"),
      topicId: uuid.in("6+"),
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
      }),
    }),
  },
});
