import { FindCoordinator } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { memberTimer } from "../../src/groups/model/timers.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";

it("load() keeps a shard of the same leader epoch: two would write to one log", async () => {
  const whole = await WholeBroker.start();
  await whole.call(FindCoordinator, 3, { key: "group" });
  const { groups } = whole.broker;
  const mark = memberTimer("consumer-session", "group", "mark");
  await groups.run<void>("group", (turn, reply) => {
    turn.arm(mark, 1_000_000);
    turn.reply(reply, undefined);
  });
  groups.load();
  const isMarked = await groups.run<boolean>("group", (turn, reply) =>
    turn.reply(reply, turn.isArmed(mark.key)),
  );
  expect(isMarked).toBe(true);
});
