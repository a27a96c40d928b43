import { DescribeCluster, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { cluster } from "../metadata/cluster.ts";
import { WholeBroker } from "./whole-broker.ts";

it("DescribeCluster lists the brokers, at both ends of its versions", async () => {
  const broker = await WholeBroker.startWith({ before: cluster([1, 2]).records });
  const asked = { includeClusterAuthorizedOperations: true };
  for (const version of [0, 2]) {
    const answer = await broker.call(DescribeCluster, version, asked);
    expect(answer).toMatchObject({
      errorCode: 0,
      clusterId: broker.metadata.clusterId,
      controllerId: 1,
    });
    expect(answer.brokers).toMatchObject([
      { brokerId: 1, host: "127.0.0.1", port: 19092, isFenced: false },
      { brokerId: 2, host: "host-2", port: 9092, isFenced: false },
    ]);
    expect(answer.clusterAuthorizedOperations).toBeGreaterThan(0);
  }
  const code = async (endpointType: number) => {
    const request = { includeClusterAuthorizedOperations: false, endpointType };
    return (await broker.call(DescribeCluster, 1, request)).errorCode;
  };
  expect(await code(2)).toBe(ErrorCode.MISMATCHED_ENDPOINT_TYPE);
  expect(await code(3)).toBe(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE);
});
