import {
  DeleteGroups,
  ErrorCode,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { classicBroker, stableGroup } from "./classic-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

it.each([0, 2, 3])("deletes empty groups and their offsets, at version %d", async (version) => {
  const broker = await classicBroker();
  await broker.createTopic("t");
  await stableGroup(broker, { groupId: "full" });
  const memberId = await stableGroup(broker, { groupId: "empty" });
  const partition = { partitionIndex: 0, committedOffset: 5, committedMetadata: "" };
  const commit = (
    groupId: string,
    fields: { memberId: string; generationIdOrMemberEpoch: number },
  ) =>
    broker.call(OffsetCommit, 7, {
      groupId,
      ...fields,
      topics: [{ name: "t", partitions: [partition] }],
    });
  await commit("empty", { memberId, generationIdOrMemberEpoch: 1 });
  await commit("offsets", { memberId: "", generationIdOrMemberEpoch: -1 });
  await broker.call(LeaveGroup, 0, { groupId: "empty", memberId });
  const before = await broker.call(ListGroups, 5, {});
  expect(before.groups.map(({ groupId }) => groupId).sort()).toEqual(["empty", "full", "offsets"]);

  const groupsNames = ["full", "empty", "unknown", "offsets", "empty"];
  const { results } = await broker.call(DeleteGroups, version, { groupsNames });
  expect(results).toMatchObject([
    { groupId: "full", errorCode: ErrorCode.NON_EMPTY_GROUP },
    { groupId: "empty", errorCode: ErrorCode.NONE },
    { groupId: "unknown", errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    { groupId: "offsets", errorCode: ErrorCode.NONE },
  ]);
  const why = results.map(({ errorMessage }) => errorMessage);
  const told = [expect.stringContaining("members"), null, expect.stringContaining("group"), null];
  expect(why).toEqual(version < 3 ? [null, null, null, null] : told);
  const { groups } = await broker.call(ListGroups, 5, {});
  expect(groups.map(({ groupId }) => groupId)).toEqual(["full"]);
  for (const groupId of ["empty", "offsets"]) {
    const topics = [{ name: "t", partitionIndexes: [0] }];
    const fetched = await broker.call(OffsetFetch, 7, { groupId, topics });
    expect(fetched.topics[0]!.partitions[0]!.committedOffset).toBe(-1);
  }
});

it("answers an error for each group without a coordinator", async () => {
  const broker = await WholeBroker.start();
  const { results } = await broker.call(DeleteGroups, 2, { groupsNames: ["g"] });
  expect(results).toMatchObject([{ groupId: "g", errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }]);
});
