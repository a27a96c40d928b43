/**
 * OffsetForLeaderEpoch, versions 2-4.
 *
 * - v2: baseline: current leader epoch; throttle time
 * - v3: replica id, so that consumers may ask (KIP-320)
 * - v4: flexible
 */
import { api, array, i16, i32, offset, string } from "../schema.ts";

export const OffsetForLeaderEpoch = api({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: "2-4",
  flexible: "4+",
  request: {
    replicaId: i32.default(-2).in("3+"),
    topics: array({
      topic: string,
      partitions: array({
        partition: i32,
        currentLeaderEpoch: i32.default(-1),
        leaderEpoch: i32,
      }),
    }),
  },
  response: {
    throttleTimeMs: i32.default(0),
    topics: array({
      topic: string,
      partitions: array({
        errorCode: i16,
        partition: i32,
        leaderEpoch: i32.default(-1),
        endOffset: offset.default(-1),
      }),
    }),
  },
});
