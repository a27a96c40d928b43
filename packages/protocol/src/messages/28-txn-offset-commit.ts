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
