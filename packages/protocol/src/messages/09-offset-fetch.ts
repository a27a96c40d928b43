/**
 * OffsetFetch, versions 1-10.
 *
 * - v1: baseline: offsets kept by the broker
 * - v2: null asks for all topics; top-level error code
 * - v3: throttle time
 * - v4: throttling happens after the response
 * - v5: leader epoch of the committed offset (KIP-320)
 * - v6: flexible
 * - v7: require stable: wait for open transactions (KIP-447)
 * - v8: several groups at once (KIP-709)
 * - v9: member id and epoch (KIP-848)
 * - v10: topics by id, no longer by name
 */
import { api, array, bool, i16, i32, offset, string, uuid } from "../schema.ts";

export const OffsetFetch = api({
  key: 9,
  name: "OffsetFetch",
  versions: "1-10",
  flexible: "6+",
  request: {
    groupId: string.in("0-7"),
    topics: array({
      name: string,
      partitionIndexes: array(i32),
    })
      .nullable("2-7")
      .in("0-7"),
    groups: array({
      groupId: string,
      memberId: string.nullable().default(null).in("9+"),
      memberEpoch: i32.default(-1).in("9+"),
      topics: array({
        name: string.in("8-9"),
        topicId: uuid.in("10+"),
        partitionIndexes: array(i32),
      }).nullable(),
    }).in("8+"),
    requireStable: bool.default(false).in("7+"),
  },
  response: {
    throttleTimeMs: i32.default(0).in("3+"),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        committedOffset: offset,
        committedLeaderEpoch: i32.default(-1).in("5-7"),
        metadata: string.nullable(),
        errorCode: i16,
      }),
    }).in("0-7"),
    errorCode: i16.default(0).in("2-7"),
    groups: array({
      groupId: string,
      topics: array({
        name: string.in("8-9"),
        topicId: uuid.in("10+"),
        partitions: array({
          partitionIndex: i32,
          committedOffset: offset,
          committedLeaderEpoch: i32.default(-1),
          metadata: string.nullable(),
          errorCode: i16,
        }),
      }),
      errorCode: i16.default(0),
    }).in("8+"),
  },
});
