import { ErrorCode, Heartbeat, JoinGroup, MAX_STRING_BYTES } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { classicBroker, INITIAL_DELAY_MS, joinRequest, stableGroup } from "./classic-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

it("answers a new member's join when the initial rebalance ends, at version 0", async () => {
  const broker = await classicBroker();
  const joining = broker.call(JoinGroup, 0, joinRequest());
  broker.time.advance(INITIAL_DELAY_MS);
  const joined = await joining;
  expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: "range" });
  expect(joined.memberId).toMatch(/^test-[0-9a-f-]{36}$/);
  expect(joined.leader).toBe(joined.memberId);
  expect(joined.members).toHaveLength(1);
});

it("first gives a new member an id, with which it joins, at version 9", async () => {
  const broker = await classicBroker();
  const memberId = await stableGroup(broker);
  const second = await broker.call(JoinGroup, 9, joinRequest({ reason: "new" }));
  expect(second).toMatchObject({
    errorCode: ErrorCode.MEMBER_ID_REQUIRED,
    generationId: -1,
    protocolType: null,
    protocolName: null,
  });
  const joining = broker.call(JoinGroup, 9, joinRequest({ memberId: second.memberId }));
  const told = await broker.call(Heartbeat, 4, { groupId: "g", generationId: 1, memberId });
  expect(told.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  const again = await broker.call(JoinGroup, 9, joinRequest({ memberId }));
  expect(again).toMatchObject({ generationId: 2, protocolType: "consumer", leader: memberId });
  expect(again.members).toHaveLength(2);
  expect(await joining).toMatchObject({ generationId: 2, leader: memberId, members: [] });
});

it.each(["x", "é", "€", "🐎", "🐎x"])("makes an id of the longest instance id of %s", async (x) => {
  const broker = await classicBroker();
  const groupInstanceId = x.repeat(Math.floor(MAX_STRING_BYTES / Buffer.byteLength(x)));
  const request = joinRequest({ groupInstanceId });
  const joining = broker.call(JoinGroup, 9, request);
  broker.time.advance(INITIAL_DELAY_MS);
  const { errorCode, memberId } = await joining;
  expect(errorCode).toBe(ErrorCode.NONE);
  expect(memberId.startsWith(x)).toBe(true);
  // The broker knows it again as the client sends it.
  const beat = { groupId: "g", generationId: 1, memberId, groupInstanceId };
  expect(await broker.call(Heartbeat, 4, beat)).toMatchObject({ errorCode: ErrorCode.NONE });
});

it("sends an empty protocol name instead of null below version 7", async () => {
  const broker = await classicBroker();
  for (let version = 0; version <= 9; version++) {
    const answer = await broker.call(JoinGroup, version, joinRequest({ sessionTimeoutMs: 1 }));
    expect(answer.errorCode).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    expect(answer.protocolName).toBe(version < 7 ? "" : null);
  }
});

it("tells a static leader that joins again to skip the assignment", async () => {
  const broker = await classicBroker();
  const former = await stableGroup(broker, { groupInstanceId: "one" });
  const back = await broker.call(JoinGroup, 9, joinRequest({ groupInstanceId: "one" }));
  expect(back).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true });
  expect(back.memberId).not.toBe(former);
  const fenced = joinRequest({ memberId: former, groupInstanceId: "one" });
  const answer = await broker.call(JoinGroup, 9, fenced);
  expect(answer.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
});

it("has no coordinator before the offsets topic exists", async () => {
  const broker = await WholeBroker.start();
  const answer = await broker.call(JoinGroup, 5, joinRequest());
  expect(answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
});

it("refuses waiting joins when the coordinator closes", async () => {
  const broker = await classicBroker();
  const joining = broker.call(JoinGroup, 3, joinRequest());
  broker.broker.groups.close();
  expect((await joining).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
});
