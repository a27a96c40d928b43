/**
 * DescribeCluster, versions 0-2.
 *
 * - v0: baseline, flexible (KIP-700)
 * - v1: endpoint type: brokers or controllers (KIP-919)
 * - v2: fenced brokers on request (KIP-1073)
 */
import { api, array, bool, i8, i16, i32, string } from "../schema.ts";

export const DescribeCluster = api({
  key: 60,
  name: "DescribeCluster",
  versions: "0-2",
  flexible: "0+",
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: i8.default(1).in("1+"),
    includeFencedBrokers: bool.in("2+"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16,
    errorMessage: string.nullable().default(null),
    endpointType: i8.default(1).in("1+"),
    clusterId: string,
    controllerId: i32.default(-1),
    brokers: array({
      brokerId: i32,
      host: string,
      port: i32,
      rack: string.nullable().default(null),
      isFenced: bool.in("2+"),
    }),
    clusterAuthorizedOperations: i32.default(-2147483648),
  },
});
