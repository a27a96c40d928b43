/**
 * DeleteRecords, versions 0-2.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: flexible
 */
import { api, array, i16, i32, offset, string } from "../schema.ts";

export const DeleteRecords = api({
  key: 21,
  name: "DeleteRecords",
  versions: "0-2",
  flexible: "2+",
  request: {
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        offset,
      }),
    }),
    timeoutMs: i32,
  },
  response: {
    throttleTimeMs: i32.default(0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        lowWatermark: offset,
        errorCode: i16,
      }),
    }),
  },
});
