/**
 * ElectLeaders, versions 0-2.
 *
 * - v0: baseline: preferred leaders only
 * - v1: election types; top-level error code (KIP-460)
 * - v2: flexible
 */
import { api, array, i8, i16, i32, string } from "../schema.ts";

export const ElectLeaders = api({
  key: 43,
  name: "ElectLeaders",
  versions: "0-2",
  flexible: "2+",
  request: {
    electionType: i8.in("1+"),
    topicPartitions: array({
      topic: string,
      partitions: array(i32),
    }).nullable(),
    timeoutMs: i32.default(60000),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16.in("1+"),
    replicaElectionResults: array({
      topic: string,
      partitionResult: array({
        partitionId: i32,
        errorCode: i16,
        errorMessage: string.nullable(),
      }),
    }),
  },
});
