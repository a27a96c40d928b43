import { expect, it } from "vitest";
import { append, create, settledWorld } from "./requests.ts";

it("does not trust its own claim to be the controller after it was cut off", async () => {
  const world = await settledWorld();
  const former = world.controller;
  await create(world, "orders", 3, 3);
  await world.settled();
  const index = [0, 1, 2].find((each) => former.partition("orders", each) !== null)!;
  const leading = () =>
    world.serving.find((one) => one !== former && one.partition("orders", index) !== null);
  former.cutOff(true);
  await world.until("another leads", () => leading() !== undefined);
  const leader = leading()!;
  await world.run(append(leader.partition("orders", index)!));
  // It hears only the third broker: the new controller's heartbeats are lost, and no log is read.
  world.broker(leader.member.metadata.controllerId).life!.bus.cut = true;
  former.life!.bus.cut = false;
  for (let passed = 0; passed < 4_000; passed += 20) {
    await world.pass(20);
    // If it served its old end offset, a consumer would be reset to the beginning.
    expect(former.partition("orders", index)?.highWatermark ?? 1).toBe(1);
  }
  former.cutOff(false);
  for (const { life } of world.brokers) life!.bus.cut = false;
  await world.settled();
  expect(former.member.metadata.leadership.isExpired).toBe(false);
  world.check();
});
