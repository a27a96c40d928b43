import { ErrorCode, Heartbeat } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { classicBroker, stableGroup } from "./classic-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

it("keeps a member in its group, at every version", async () => {
  const broker = await classicBroker();
  const memberId = await stableGroup(broker);
  const beat = { groupId: "g", generationId: 1, memberId };
  for (let version = 0; version <= 4; version++) {
    broker.time.advance(9_999);
    const answer = await broker.call(Heartbeat, version, beat);
    expect(answer.errorCode).toBe(ErrorCode.NONE);
  }
  broker.time.advance(10_000);
  const late = await broker.call(Heartbeat, 4, beat);
  expect(late.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

it("is refused with a wrong generation, member, instance or group", async () => {
  const broker = await classicBroker();
  const memberId = await stableGroup(broker, { groupInstanceId: "one" });
  const errorOf = async (fields: object) => {
    const beat = { groupId: "g", generationId: 1, memberId, groupInstanceId: "one", ...fields };
    return (await broker.call(Heartbeat, 3, beat)).errorCode;
  };
  expect(await errorOf({})).toBe(ErrorCode.NONE);
  expect(await errorOf({ generationId: 2 })).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await errorOf({ memberId: "x" })).toBe(ErrorCode.FENCED_INSTANCE_ID);
  expect(await errorOf({ groupInstanceId: "two" })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await errorOf({ memberId: "x", groupInstanceId: null })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await errorOf({ groupId: "h" })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await errorOf({ groupId: "" })).toBe(ErrorCode.INVALID_GROUP_ID);
});

it("is answered without an error while the coordinator is being loaded", async () => {
  const broker = await WholeBroker.start();
  // Sent when the topic exists; its shards are loaded a little later.
  const created = broker.metadata.controller.createOffsetsTopic({});
  const beat = { groupId: "g", generationId: 1, memberId: "m" };
  const loading = new Promise<number>((resolve) => {
    broker.metadata.onChange(() => {
      void broker.call(Heartbeat, 4, beat).then(({ errorCode }) => resolve(errorCode));
    });
  });
  await created;
  expect(await loading).toBe(ErrorCode.NONE);
});
