import { ErrorCode, JoinGroup, SyncGroup } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { classicBroker, INITIAL_DELAY_MS, joinRequest } from "./classic-broker.ts";

const A = Uint8Array.of(1);
const B = Uint8Array.of(2);

it.each([0, 5])("returns the leader's assignments to all, at version %d", async (version) => {
  const broker = await classicBroker();
  const joining = [joinRequest(), joinRequest()].map((join) => broker.call(JoinGroup, 3, join));
  broker.time.advance(2 * INITIAL_DELAY_MS);
  const [leader, follower] = (await Promise.all(joining)).map(({ memberId }) => memberId);
  const request = (memberId: string) => ({
    groupId: "g",
    generationId: 1,
    memberId,
    protocolType: "consumer",
    protocolName: "range",
    assignments: [],
  });
  const following = broker.call(SyncGroup, version, request(follower!));
  const leading = broker.call(SyncGroup, version, {
    ...request(leader!),
    assignments: [
      { memberId: leader!, assignment: A },
      { memberId: follower!, assignment: B },
    ],
  });
  const named = version < 5 ? {} : { protocolType: "consumer", protocolName: "range" };
  expect(await leading).toMatchObject({ errorCode: 0, assignment: A, ...named });
  expect(await following).toMatchObject({ errorCode: 0, assignment: B, ...named });
  const again = await broker.call(SyncGroup, version, request(follower!));
  expect(again).toMatchObject({ errorCode: 0, assignment: B });
});

it("requires the protocol's type and name from version 5 on, and checks them", async () => {
  const broker = await classicBroker();
  const joining = broker.call(JoinGroup, 3, joinRequest());
  broker.time.advance(INITIAL_DELAY_MS);
  const { memberId } = await joining;
  const request = { groupId: "g", generationId: 1, memberId, assignments: [] };
  const errorOf = async (version: number, fields: object) =>
    (await broker.call(SyncGroup, version, { ...request, ...fields })).errorCode;
  const { INCONSISTENT_GROUP_PROTOCOL } = ErrorCode;
  expect(await errorOf(5, {})).toBe(INCONSISTENT_GROUP_PROTOCOL);
  expect(await errorOf(5, { protocolType: "consumer" })).toBe(INCONSISTENT_GROUP_PROTOCOL);
  const wrong = { protocolType: "consumer", protocolName: "sticky" };
  expect(await errorOf(5, wrong)).toBe(INCONSISTENT_GROUP_PROTOCOL);
  expect(await errorOf(4, { generationId: 7 })).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await errorOf(4, { memberId: "x" })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await errorOf(4, { groupId: "" })).toBe(ErrorCode.INVALID_GROUP_ID);
  expect(await errorOf(4, {})).toBe(ErrorCode.NONE);
});
