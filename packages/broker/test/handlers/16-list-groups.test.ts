import { ErrorCode, FindCoordinator, JoinGroup, LeaveGroup, ListGroups } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { classicBroker, joinRequest, stableGroup } from "./classic-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

async function threeGroups(): Promise<WholeBroker> {
  const broker = await classicBroker();
  for (const groupId of ["a", "b"]) await stableGroup(broker, { groupId });
  const memberId = await stableGroup(broker, { groupId: "empty" });
  await broker.call(LeaveGroup, 0, { groupId: "empty", memberId });
  return broker;
}

it("lists the groups of all shards, at every version", async () => {
  const broker = await threeGroups();
  for (let version = 0; version <= 5; version++) {
    const { errorCode, groups } = await broker.call(ListGroups, version, {});
    expect(errorCode).toBe(ErrorCode.NONE);
    groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
    const state = (groupState: string) => (version < 4 ? {} : { groupState });
    const type = version < 5 ? {} : { groupType: "classic" };
    expect(groups).toMatchObject([
      { groupId: "a", protocolType: "consumer", ...state("Stable"), ...type },
      { groupId: "b", protocolType: "consumer", ...state("Stable"), ...type },
      { groupId: "empty", protocolType: "consumer", ...state("Empty"), ...type },
    ]);
  }
});

it("filters by state and type, and ignores case", async () => {
  const broker = await threeGroups();
  const ids = async (statesFilter: string[], typesFilter: string[] = []) => {
    const { groups } = await broker.call(ListGroups, 5, { statesFilter, typesFilter });
    return groups.map(({ groupId }) => groupId).sort();
  };
  expect(await ids(["stable"])).toEqual(["a", "b"]);
  expect(await ids(["EMPTY", "PreparingRebalance"])).toEqual(["empty"]);
  expect(await ids(["nonsense"])).toEqual([]);
  expect(await ids([], ["Classic"])).toEqual(["a", "b", "empty"]);
  expect(await ids(["Stable"], ["consumer"])).toEqual([]);
  expect(await ids([], ["nonsense"])).toEqual([]);
});

it("lists nothing when there are no groups", async () => {
  const broker = await WholeBroker.start();
  expect(await broker.call(ListGroups, 5, {})).toMatchObject({ errorCode: 0, groups: [] });
});

it("waits for a shard that is being loaded", async () => {
  const broker = await WholeBroker.start();
  const loading = new Promise<number>((resolve) => {
    broker.metadata.onChange(() => {
      void broker.call(ListGroups, 5, {}).then(({ errorCode }) => resolve(errorCode));
    });
  });
  await broker.call(FindCoordinator, 3, { key: "g" });
  expect(await loading).toBe(ErrorCode.NONE);
  void broker.call(JoinGroup, 4, joinRequest());
  const { groups } = await broker.call(ListGroups, 5, {});
  expect(groups).toMatchObject([{ groupId: "g", groupState: "Empty", protocolType: "" }]);
});
