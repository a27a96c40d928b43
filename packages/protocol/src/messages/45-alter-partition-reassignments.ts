/**
 * AlterPartitionReassignments, versions 0-1.
 *
 * - v0: baseline, flexible (KIP-455)
 * - v1: a change of the replication factor can be forbidden (KIP-860)
 */
import { api, array, bool, i16, i32, string } from "../schema.ts";

export const AlterPartitionReassignments = api({
  key: 45,
  name: "AlterPartitionReassignments",
  versions: "0-1",
  flexible: "0+",
  request: {
    timeoutMs: i32.default(60000),
    allowReplicationFactorChange: bool.default(true).in("1+"),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        replicas: array(i32).nullable().default(null),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32.default(0),
    allowReplicationFactorChange: bool.default(true).in("1+"),
    errorCode: i16,
    errorMessage: string.nullable(),
    responses: array({
      name: string,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: string.nullable(),
      }),
    }),
  },
});
