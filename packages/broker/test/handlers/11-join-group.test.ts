import {
  ErrorCode,
  encodeConsumerSubscription,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  SyncGroup,
} from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

const INITIAL_DELAY_MS = 3_000;

const request = (memberId = "") => ({
  groupId: "g",
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  memberId,
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: encodeConsumerSubscription({ topics: ["t"] }) }],
});

async function start(): Promise<WholeBroker> {
  const broker = await WholeBroker.start();
  await broker.call(FindCoordinator, 3, { key: "g" });
  return broker;
}

it("lets a member join, sync and send heartbeats, at the lowest and the highest versions", async () => {
  const broker = await start();
  const joining = broker.call(JoinGroup, 0, request());
  broker.time.advance(INITIAL_DELAY_MS);
  const joined = await joining;
  const { memberId } = joined;
  expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: "range" });
  expect(joined.leader).toBe(memberId);
  expect(memberId).toMatch(/^test-[0-9a-f-]{36}$/);
  expect(joined.members.map((member) => member.memberId)).toEqual([memberId]);

  const assignments = [{ memberId, assignment: Uint8Array.of(1, 2, 3) }];
  const sync = { groupId: "g", generationId: 1, memberId, assignments };
  const synced = await broker.call(SyncGroup, 0, sync);
  expect(synced).toMatchObject({ errorCode: 0, assignment: Uint8Array.of(1, 2, 3) });
  const beat = { groupId: "g", generationId: 1, memberId };
  expect(await broker.call(Heartbeat, 0, beat)).toMatchObject({ errorCode: 0 });

  const second = await broker.call(JoinGroup, 9, request());
  expect(second).toMatchObject({
    errorCode: ErrorCode.MEMBER_ID_REQUIRED,
    generationId: -1,
    protocolName: null,
  });
  const secondJoining = broker.call(JoinGroup, 9, request(second.memberId));
  const told = await broker.call(Heartbeat, 4, beat);
  expect(told.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  const again = await broker.call(JoinGroup, 9, request(memberId));
  expect(again).toMatchObject({ generationId: 2, protocolType: "consumer", leader: memberId });
  expect(again.members).toHaveLength(2);
  expect(await secondJoining).toMatchObject({ generationId: 2, leader: memberId, members: [] });
});
