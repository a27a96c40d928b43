import { DescribeCluster, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { describeCluster } from "../../src/handlers/60-describe-cluster.ts";
import { metadataBroker } from "./metadata-broker.ts";

it("DescribeCluster lists the brokers, at both ends of its versions", async () => {
  const { call } = await metadataBroker({ brokers: [1, 2] });
  const asked = { includeClusterAuthorizedOperations: true };
  for (const version of [0, 2]) {
    const answer = await call(DescribeCluster, describeCluster, version, asked);
    expect(answer).toMatchObject({ errorCode: 0, clusterId: "test-cluster", controllerId: 1 });
    expect(answer.brokers).toMatchObject([
      { brokerId: 1, host: "127.0.0.1", port: 19092, isFenced: false },
      { brokerId: 2, host: "127.0.0.1", port: 9092, isFenced: false },
    ]);
    expect(answer.clusterAuthorizedOperations).toBeGreaterThan(0);
  }
  const code = async (endpointType: number) => {
    const request = { includeClusterAuthorizedOperations: false, endpointType };
    return (await call(DescribeCluster, describeCluster, 1, request)).errorCode;
  };
  expect(await code(2)).toBe(ErrorCode.MISMATCHED_ENDPOINT_TYPE);
  expect(await code(3)).toBe(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE);
});
