import { DescribeAcls, ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { securedBroker } from "./secured-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const filter = {
  ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

it("DescribeAcls answers SECURITY_DISABLED: there is no authorizer", async () => {
  const broker = await WholeBroker.start();
  for (let version = 1; version <= 3; version++) {
    const answer = await broker.call(DescribeAcls, version, filter);
    expect(answer).toMatchObject({ errorCode: ErrorCode.SECURITY_DISABLED, resources: [] });
    expect(answer.errorMessage).toContain("no authorizer");
  }
});

describe("with an authorizer", () => {
  const ACLS = [
    "allow User:a describe cluster kafka-cluster",
    "allow User:a read topic t",
    "deny User:b write topic t from 10.0.0.1",
    "allow User:b read topic te*",
    "allow User:b read topic *",
  ];
  const resource = (name: string, patternType: number, ...acls: object[]) => {
    return expect.objectContaining({ resourceType: 2, resourceName: name, patternType, acls });
  };
  const entry = (principal: string, operation: number, permissionType = 3, host = "*") => {
    return { principal, host, operation, permissionType };
  };
  const T = resource("t", 3, entry("User:a", 3), entry("User:b", 4, 2, "10.0.0.1"));
  const TE = resource("te", 4, entry("User:b", 3));
  const ALL = resource("*", 3, entry("User:b", 3));

  it.each<readonly [string, object, readonly unknown[]]>([
    ["all of a type", { resourceTypeFilter: 2 }, [T, TE, ALL]],
    ["what applies to a name", { resourceNameFilter: "test", patternTypeFilter: 2 }, [TE, ALL]],
    ["literal ones", { resourceTypeFilter: 2, patternTypeFilter: 3 }, [T, ALL]],
    [
      "a principal's",
      { principalFilter: "User:a", resourceTypeFilter: 2 },
      [resource("t", 3, entry("User:a", 3))],
    ],
    ["a host's", { hostFilter: "10.0.0.1" }, [resource("t", 3, entry("User:b", 4, 2, "10.0.0.1"))]],
    ["what an unknown number means: nothing", { resourceTypeFilter: 99 }, []],
  ])("DescribeAcls finds %s", async (_, asked, resources) => {
    const broker = await securedBroker(ACLS);
    for (let version = 1; version <= 3; version++) {
      const answer = await broker.call(DescribeAcls, version, { ...filter, ...asked });
      expect(answer).toMatchObject({ errorCode: 0, errorMessage: null });
      expect(answer.resources).toEqual(resources);
    }
  });

  it("DescribeAcls needs describe on the cluster, and no unknown numbers", async () => {
    const broker = await securedBroker(ACLS);
    const wrong = await broker.call(DescribeAcls, 3, { ...filter, operation: 0 });
    expect(wrong.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    const denied = await broker.as("User:b").call(DescribeAcls, 3, filter);
    expect(denied).toMatchObject({
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      resources: [],
    });
  });
});
