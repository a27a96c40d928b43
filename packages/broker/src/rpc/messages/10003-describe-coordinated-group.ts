/**
 * DescribeCoordinatedGroup, version 0: a group with its members and offsets, of its coordinator.
 *
 * - v0: baseline
 */
import { api, array, i32, offset, string, struct } from "@tarpan/protocol";
import { groupSummary, refusal } from "./operator.ts";

export const DescribeCoordinatedGroup = api({
  key: 10_003,
  name: "DescribeCoordinatedGroup",
  versions: "0",
  flexible: "0+",
  request: {
    groupId: string,
  },
  response: {
    refusal,
    /** Null beside a refusal. */
    group: struct({
      ...groupSummary,
      members: array({
        memberId: string,
        instanceId: string.nullable(),
        clientId: string,
        clientHost: string,
        /** Null where it is not of the consumers' format. */
        assignment: array({ topic: string, partitions: array(i32) }).nullable(),
      }),
      offsets: array({
        topic: string,
        partition: i32,
        committedOffset: offset,
        /** -1 where it is unknown; so is the lag. */
        endOffset: offset,
        lag: offset,
      }),
    }).nullable(),
  },
});
