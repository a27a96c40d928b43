/**
 * ListPartitionReassignments, version 0.
 *
 * - v0: baseline, flexible (KIP-455)
 */
import { api, array, i16, i32, string } from "../schema.ts";

export const ListPartitionReassignments = api({
  key: 46,
  name: "ListPartitionReassignments",
  versions: "0",
  flexible: "0+",
  request: {
    timeoutMs: i32.default(60000),
    topics: array({
      name: string,
      partitionIndexes: array(i32),
    })
      .nullable()
      .default(null),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable(),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        replicas: array(i32),
        addingReplicas: array(i32),
        removingReplicas: array(i32),
      }),
    }),
  },
});
