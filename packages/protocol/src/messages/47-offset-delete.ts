/**
 * OffsetDelete, version 0.
 *
 * - v0: baseline (KIP-496)
 *
 * Never flexible.
 */
import { api, array, i16, i32, string } from "../schema.ts";

export const OffsetDelete = api({
  key: 47,
  name: "OffsetDelete",
  versions: "0",
  flexible: "none",
  request: {
    groupId: string,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
      }),
    }),
  },
  response: {
    errorCode: i16,
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
