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
