import { expect, it } from "vitest";
import { ClockJumps } from "../../src/util/clock-jumps.ts";
import { ManualTime } from "../env/manual-time.ts";

const MINUTE_MS = 60_000;

it("tells jumps of the wall clock, in both directions, from its running", () => {
  const time = new ManualTime();
  const jumps = new ClockJumps(time);
  time.advance(365 * 24 * 60 * MINUTE_MS);
  expect(jumps.lastMs()).toBe(Number.NEGATIVE_INFINITY);
  for (const jumpMs of [MINUTE_MS, -MINUTE_MS]) {
    time.jumpWallTo(time.wallMs() + jumpMs);
    const noticedMs = time.wallMs();
    expect(jumps.lastMs()).toBe(noticedMs);
    time.advance(MINUTE_MS);
    expect(jumps.lastMs()).toBe(noticedMs);
  }
});

it("takes a slow correction for none", () => {
  const time = new ManualTime();
  const jumps = new ClockJumps(time);
  for (let second = 0; second < 600; second++) {
    time.advance(1_000);
    time.jumpWallTo(time.wallMs() + 500);
    expect(jumps.lastMs()).toBe(Number.NEGATIVE_INFINITY);
  }
});
