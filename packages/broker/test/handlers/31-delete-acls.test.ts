import { DeleteAcls, ErrorCode, Heartbeat } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { securedBroker } from "./secured-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const filter = {
  ...{ resourceTypeFilter: 2, resourceNameFilter: "t", patternTypeFilter: 3 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

it("DeleteAcls refuses each filter: there is no authorizer", async () => {
  const broker = await WholeBroker.start();
  for (let version = 1; version <= 3; version++) {
    const { filterResults } = await broker.call(DeleteAcls, version, { filters: [filter] });
    expect(filterResults).toMatchObject([
      { errorCode: ErrorCode.SECURITY_DISABLED, matchingAcls: [] },
    ]);
    expect(filterResults[0]!.errorMessage).toContain("no authorizer");
  }
});

it("DeleteAcls answers with what it has deleted, which has no effect any more", async () => {
  const acls = ["allow User:a alter cluster kafka-cluster", "allow User:b read group g"];
  const broker = await securedBroker(acls);
  const beat = () => {
    const heartbeat = { groupId: "g", generationId: 1, memberId: "m" };
    return broker.as("User:b").call(Heartbeat, 4, heartbeat);
  };
  const { GROUP_AUTHORIZATION_FAILED, INVALID_REQUEST } = ErrorCode;
  expect((await beat()).errorCode).not.toBe(GROUP_AUTHORIZATION_FAILED);
  const group = { ...filter, resourceTypeFilter: 3, resourceNameFilter: "g" };
  const filters = [group, { ...group, operation: 99 }];
  const denied = await broker.call(DeleteAcls, 3, { filters });
  expect(denied.filterResults[0]!.errorCode).toBe(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  const { filterResults } = await broker.as("User:a").call(DeleteAcls, 3, { filters });
  expect(filterResults).toMatchObject([
    {
      errorCode: 0,
      matchingAcls: [{ errorCode: 0, resourceName: "g", principal: "User:b", operation: 3 }],
    },
    { errorCode: INVALID_REQUEST, matchingAcls: [] },
  ]);
  expect(filterResults[0]!.matchingAcls).toHaveLength(1);
  expect((await beat()).errorCode).toBe(GROUP_AUTHORIZATION_FAILED);
});
