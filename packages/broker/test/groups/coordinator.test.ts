import { FindCoordinator } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { WholeBroker } from "../handlers/whole-broker.ts";

it("never loads a shard beside one that is there: both would write to one log", async () => {
  const whole = await WholeBroker.start();
  await whole.call(FindCoordinator, 3, { key: "group" });
  const { groups } = whole.broker;
  await groups.run<void>("group", (state, { nowMs }, effects, reply) => {
    state.deadlines.set("mark", nowMs + 1_000_000, () => {});
    effects.reply(reply, undefined);
  });
  groups.load();
  const isMarked = await groups.run<boolean>("group", (state, _context, effects, reply) =>
    effects.reply(reply, state.deadlines.has("mark")),
  );
  expect(isMarked).toBe(true);
});
