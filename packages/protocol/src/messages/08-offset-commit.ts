/**
 * OffsetCommit, versions 2-10.
 *
 * - v2: baseline: generation and member, retention time
 * - v3: throttle time
 * - v4: throttling happens after the response
 * - v5: no retention time any more (KIP-211)
 * - v6: leader epoch of the committed offset (KIP-320)
 * - v7: group instance id (KIP-345)
 * - v8: flexible
 * - v9: the generation may be a member epoch (KIP-848)
 * - v10: topics by id, no longer by name
 */
import { api, array, i16, i32, i64, offset, string, uuid } from "../schema.ts";

export const OffsetCommit = api({
  key: 8,
  name: "OffsetCommit",
  versions: "2-10",
  flexible: "8+",
  request: {
    groupId: string,
    generationIdOrMemberEpoch: i32.default(-1),
    memberId: string,
    groupInstanceId: string.nullable().default(null).in("7+"),
    retentionTimeMs: i64.default(-1n).in("2-4"),
    topics: array({
      name: string.in("0-9"),
      topicId: uuid.in("10+"),
      partitions: array({
        partitionIndex: i32,
        committedOffset: offset,
        committedLeaderEpoch: i32.default(-1).in("6+"),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32.default(0).in("3+"),
    topics: array({
      name: string.in("0-9"),
      topicId: uuid.in("10+"),
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
      }),
    }),
  },
});
