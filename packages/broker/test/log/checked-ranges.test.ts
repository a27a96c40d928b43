// A stretch that was checked is not checked again for a while.
import { describe, expect, it } from "vitest";
import { CHECKED_KEPT_MS, CHECKED_RANGES_MAX } from "../../src/log/limits.ts";
import { CheckedRanges } from "../../src/log/segment/checked-ranges.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { baseOffsetOf } from "./batches.ts";
import { FIRST, fill, restart, start } from "./segment-fixture.ts";

describe("checked ranges", () => {
  it("cover what was added, and nothing else, whatever the order", () => {
    const random = new SeededRandom(seedOf("checked ranges"));
    for (let run = 0; run < 200; run++) {
      const ranges = new CheckedRanges();
      const checked = new Set<number>();
      for (let i = 0; i < 40; i++) {
        const from = random.below(200);
        const to = from + 1 + random.below(10);
        ranges.add(from, to, 0);
        for (let at = from; at < to; at++) checked.add(at);
        const start = random.below(200);
        const end = start + 1 + random.below(20);
        const all = Array.from({ length: end - start }, (_, index) => start + index);
        expect(ranges.covers(start, end, 0)).toBe(all.every((at) => checked.has(at)));
      }
    }
  });

  it("are forgotten after one to two times the time that they are kept", () => {
    const ranges = new CheckedRanges();
    ranges.add(0, 10, 0);
    ranges.add(20, 30, CHECKED_KEPT_MS - 1);
    expect(ranges.covers(0, 10, CHECKED_KEPT_MS)).toBe(true);
    ranges.add(40, 50, CHECKED_KEPT_MS);
    expect(ranges.covers(20, 30, 2 * CHECKED_KEPT_MS - 1)).toBe(true);
    expect(ranges.covers(20, 30, 2 * CHECKED_KEPT_MS)).toBe(false);
    expect(ranges.covers(40, 50, 2 * CHECKED_KEPT_MS)).toBe(true);
    expect(ranges.covers(40, 50, 9 * CHECKED_KEPT_MS)).toBe(false);
  });

  it("are bounded", () => {
    const ranges = new CheckedRanges();
    for (let i = 0; i <= CHECKED_RANGES_MAX; i++) ranges.add(10 * i, 10 * i + 5, 0);
    expect(ranges.covers(10 * (CHECKED_RANGES_MAX - 1), 10 * (CHECKED_RANGES_MAX - 1) + 5, 0)).toBe(
      true,
    );
    expect(ranges.covers(10 * CHECKED_RANGES_MAX, 10 * CHECKED_RANGES_MAX + 5, 0)).toBe(false);
    ranges.add(5, 10, 0);
    expect(ranges.covers(0, 15, 0)).toBe(true);
  });

  it("let a later reader meet a bit that has changed since", async () => {
    const { env, log, engine } = await start();
    await fill(log, 5);
    // What this process has written itself was not read yet, and is checked.
    await engine.close();
    const again = await restart(env);
    const batchBytes = env.fs.contentOf(FIRST).byteLength / 5;
    expect((await again.log.read(1, 2 * batchBytes)).map(baseOffsetOf)).toEqual([1, 2]);
    for (const index of [2, 3]) env.fs.contentOf(FIRST)[batchBytes * index + 80]! ^= 1;
    expect((await again.log.read(1, 1 << 20)).map(baseOffsetOf)).toEqual([1, 2]);
    await expect(again.log.read(3, 1)).rejects.toMatchObject({ kind: "corrupt" });
    env.time.advance(2 * CHECKED_KEPT_MS);
    expect((await again.log.read(1, 1 << 20)).map(baseOffsetOf)).toEqual([1]);
    await expect(again.log.read(2, 1)).rejects.toMatchObject({ kind: "corrupt" });
  });
});
