import { ErrorCode, Heartbeat, LeaveGroup } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { classicBroker, stableGroup } from "./classic-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const { NONE, UNKNOWN_MEMBER_ID, INVALID_GROUP_ID } = ErrorCode;

it.each([0, 2])("removes one member; its error is the request's, at version %d", async (v) => {
  const broker = await classicBroker();
  const memberId = await stableGroup(broker);
  const leave = { groupId: "g", memberId };
  expect((await broker.call(LeaveGroup, v, leave)).errorCode).toBe(NONE);
  expect((await broker.call(LeaveGroup, v, leave)).errorCode).toBe(UNKNOWN_MEMBER_ID);
  expect((await broker.call(LeaveGroup, v, { ...leave, groupId: "h" })).errorCode).toBe(
    UNKNOWN_MEMBER_ID,
  );
  const beat = { groupId: "g", generationId: 1, memberId };
  expect((await broker.call(Heartbeat, 0, beat)).errorCode).toBe(UNKNOWN_MEMBER_ID);
});

it.each([3, 5])("removes several members, each with its error, at version %d", async (v) => {
  const broker = await classicBroker();
  await stableGroup(broker, { groupInstanceId: "one" });
  const members = [
    { memberId: "x" },
    { memberId: "", groupInstanceId: "one" },
    { memberId: "", groupInstanceId: "two" },
  ];
  expect(await broker.call(LeaveGroup, v, { groupId: "g", members })).toMatchObject({
    errorCode: NONE,
    members: [
      { memberId: "x", groupInstanceId: null, errorCode: UNKNOWN_MEMBER_ID },
      { memberId: "", groupInstanceId: "one", errorCode: NONE },
      { memberId: "", groupInstanceId: "two", errorCode: UNKNOWN_MEMBER_ID },
    ],
  });
  const unknown = await broker.call(LeaveGroup, v, { groupId: "h", members });
  expect(unknown.errorCode).toBe(NONE);
  expect(unknown.members.map(({ errorCode }) => errorCode)).toEqual(
    members.map(() => UNKNOWN_MEMBER_ID),
  );
});

it("is refused with an empty group id, and without a coordinator", async () => {
  const broker = await classicBroker();
  const request = { groupId: "", memberId: "m", members: [{ memberId: "m" }] };
  expect((await broker.call(LeaveGroup, 0, request)).errorCode).toBe(INVALID_GROUP_ID);
  expect(await broker.call(LeaveGroup, 5, request)).toMatchObject({
    errorCode: INVALID_GROUP_ID,
    members: [],
  });
  const other = await WholeBroker.start();
  const answer = await other.call(LeaveGroup, 5, { ...request, groupId: "g" });
  expect(answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
});
