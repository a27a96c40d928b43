/**
 * ListOffsets, versions 1-11.
 *
 * - v1: baseline: one offset per partition, with its timestamp
 * - v2: isolation level; throttle time
 * - v3: throttling happens after the response
 * - v4: leader epochs (KIP-320)
 * - v5: may answer OFFSET_NOT_AVAILABLE
 * - v6: flexible
 * - v7: timestamp -3: the offset of the largest timestamp (KIP-734)
 * - v8: timestamp -4: the local log start offset (KIP-405)
 * - v9: timestamp -5: the last tiered offset (KIP-1005)
 * - v10: timeout of the request (KIP-1075)
 * - v11: timestamp -6: the earliest offset that is not tiered yet (KIP-1023)
 */
import { api, array, i8, i16, i32, i64, offset, string } from "../schema.ts";

export const ListOffsets = api({
  key: 2,
  name: "ListOffsets",
  versions: "1-11",
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
        timestamp: offset.default(-1),
        offset: offset.default(-1),
        leaderEpoch: i32.default(-1).in("4+"),
      }),
    }),
  },
});
