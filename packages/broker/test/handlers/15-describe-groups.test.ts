import { DescribeGroups, ErrorCode, JoinGroup, LeaveGroup } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { classicBroker, joinRequest, SUBSCRIPTION, stableGroup } from "./classic-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

it.each([0, 6])("describes a stable group with its members, at version %d", async (version) => {
  const broker = await classicBroker();
  const memberId = await stableGroup(broker);
  const { groups } = await broker.call(DescribeGroups, version, { groups: ["g"] });
  expect(groups).toMatchObject([
    {
      errorCode: 0,
      groupId: "g",
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
      members: [
        {
          memberId,
          clientId: "test",
          clientHost: "/127.0.0.1",
          memberMetadata: SUBSCRIPTION,
          memberAssignment: Uint8Array.of(1, 2, 3),
        },
      ],
    },
  ]);
});

it("describes a group once, however often it is named", async () => {
  const broker = await classicBroker();
  await stableGroup(broker);
  const { groups } = await broker.call(DescribeGroups, 5, { groups: ["g", "other", "g"] });
  expect(groups.map(({ groupId }) => groupId)).toEqual(["g", "other"]);
});

it("has no subscriptions during a rebalance, and no members in an empty group", async () => {
  const broker = await classicBroker();
  const memberId = await stableGroup(broker);
  void broker.call(JoinGroup, 3, joinRequest());
  const describe = async () => {
    const { groups } = await broker.call(DescribeGroups, 5, { groups: ["g"] });
    return groups[0]!;
  };
  const rebalancing = await describe();
  expect(rebalancing).toMatchObject({ groupState: "PreparingRebalance", protocolData: "" });
  expect(rebalancing.members).toHaveLength(2);
  expect(rebalancing.members[0]!.memberMetadata).toHaveLength(0);
  const other = rebalancing.members[1]!.memberId;
  const members = [{ memberId }, { memberId: other }];
  await broker.call(LeaveGroup, 3, { groupId: "g", members });
  expect(await describe()).toMatchObject({
    groupState: "Empty",
    protocolType: "consumer",
    members: [],
  });
});

it("describes an unknown group as Dead, from version 6 on with an error", async () => {
  const broker = await classicBroker();
  for (let version = 0; version <= 6; version++) {
    const { groups } = await broker.call(DescribeGroups, version, { groups: ["x", "y"] });
    const errorCode = version < 6 ? ErrorCode.NONE : ErrorCode.GROUP_ID_NOT_FOUND;
    expect(groups).toMatchObject([
      { groupId: "x", groupState: "Dead", errorCode, members: [] },
      { groupId: "y", groupState: "Dead", errorCode, members: [] },
    ]);
    if (version === 6) expect(groups[0]!.errorMessage).toContain("x");
  }
});

it("lists authorized operations on request", async () => {
  const broker = await classicBroker();
  await stableGroup(broker);
  const ask = async (includeAuthorizedOperations: boolean) => {
    const request = { groups: ["g"], includeAuthorizedOperations };
    const { groups } = await broker.call(DescribeGroups, 6, request);
    return groups[0]!.authorizedOperations;
  };
  expect(await ask(false)).toBe(-2_147_483_648);
  // READ 3, DELETE 6, DESCRIBE 8, DESCRIBE_CONFIGS 10, ALTER_CONFIGS 11.
  expect(await ask(true)).toBe((1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11));
});

it("answers an error for each group without a coordinator", async () => {
  const broker = await WholeBroker.start();
  const { groups } = await broker.call(DescribeGroups, 5, { groups: ["g"] });
  expect(groups).toMatchObject([
    { groupId: "g", errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [] },
  ]);
});
