import { api, array, i8, i16, i32, i64, offset, string } from "../schema.ts";

export const ListOffsets = api({
  key: 2,
  name: "ListOffsets",
  versions: "1-10",
  flexible: "6+",
  request: {
    replicaId: i32,
    isolationLevel: i8.in("2+"),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        currentLeaderEpoch: i32.default(-1).in("4+"),
        timestamp: i64,
      }),
    }),
    timeoutMs: i32.in("10+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("2+"),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        timestamp: i64.default(-1n),
        offset: offset.default(-1),
        leaderEpoch: i32.default(-1).in("4+"),
      }),
    }),
  },
});
