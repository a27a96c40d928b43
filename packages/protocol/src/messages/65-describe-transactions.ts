/**
 * DescribeTransactions, version 0.
 *
 * - v0: baseline, flexible (KIP-664)
 */
import { api, array, i16, i32, offset, string } from "../schema.ts";

export const DescribeTransactions = api({
  key: 65,
  name: "DescribeTransactions",
  versions: "0",
  flexible: "0+",
  request: {
    transactionalIds: array(string),
  },
  response: {
    throttleTimeMs: i32.default(0),
    transactionStates: array({
      errorCode: i16,
      transactionalId: string,
      transactionState: string,
      transactionTimeoutMs: i32,
      transactionStartTimeMs: offset,
      producerId: offset,
      producerEpoch: i16,
      topics: array({
        topic: string,
        partitions: array(i32),
      }),
    }),
  },
});
