/**
 * DescribeProducers, version 0.
 *
 * - v0: baseline, flexible (KIP-664)
 */
import { api, array, i16, i32, offset, string } from "../schema.ts";

export const DescribeProducers = api({
  key: 61,
  name: "DescribeProducers",
  versions: "0",
  flexible: "0+",
  request: {
    topics: array({
      name: string,
      partitionIndexes: array(i32),
    }),
  },
  response: {
    throttleTimeMs: i32.default(0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: string.nullable().default(null),
        activeProducers: array({
          producerId: offset,
          producerEpoch: i32,
          lastSequence: i32.default(-1),
          lastTimestamp: offset.default(-1),
          coordinatorEpoch: i32,
          currentTxnStartOffset: offset.default(-1),
        }),
      }),
    }),
  },
});
