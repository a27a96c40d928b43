/**
 * WriteTxnMarkers, versions 1-2.
 *
 * - v1: baseline: flexible
 * - v2: transaction version of the marker (KIP-1228)
 *
 * Between brokers: the transaction coordinator to partition leaders.
 */
import { api, array, bool, i8, i16, i32, offset, string } from "../schema.ts";

export const WriteTxnMarkers = api({
  key: 27,
  name: "WriteTxnMarkers",
  versions: "1-2",
  flexible: "1+",
  request: {
    markers: array({
      producerId: offset,
      producerEpoch: i16,
      transactionResult: bool,
      topics: array({
        name: string,
        partitionIndexes: array(i32),
      }),
      coordinatorEpoch: i32,
      transactionVersion: i8.default(0).in("2+"),
    }),
  },
  response: {
    markers: array({
      producerId: offset,
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: i32,
          errorCode: i16,
        }),
      }),
    }),
  },
});
