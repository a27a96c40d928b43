import { expect, it } from "vitest";
import { HeldHistory } from "./history.ts";

const LATER_MS = 3_600_000;

const valuesOf = async (history: HeldHistory) =>
  (await history.delivered()).map(({ value }) => value).sort();

it("a message that is moved while its partition is busy is delivered after that", async () => {
  const history = await HeldHistory.begin(1);
  const nowMs = history.time.wallMs();
  history.fault = () => "not asked";
  await history.schedule("first", "first", nowMs, 0);
  await history.pass(100);
  await history.schedule("second", "second", nowMs, 0);
  await history.pass(1_000);
  for (let i = 0; i < 100; i++) await history.schedule("other", `${i}`, nowMs + LATER_MS, 0);
  await history.pass(30_000, 30);
  expect(history.held.log.startOffset, "nothing was moved").toBe(0);
  expect(history.held.log.endOffset).toBeGreaterThan(103);
  history.fault = () => "none";
  await history.pass(10_000, 10);
  expect(await valuesOf(history)).toEqual(["first", "second"]);
});
