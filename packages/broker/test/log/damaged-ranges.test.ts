import { expect, it } from "vitest";
import { DamagedRanges } from "../../src/log/damaged-ranges.ts";

it("counts overlapping ranges once, and none below the log's start", () => {
  const ranges = new DamagedRanges();
  expect(ranges.note({ from: 10, to: 20 })).toBe(true);
  expect(ranges.note({ from: 12, to: 20 })).toBe(false);
  expect(ranges.note({ from: 5, to: 12 })).toBe(true);
  expect(ranges.note({ from: 40, to: 41 })).toBe(true);
  expect(ranges.countFrom(0)).toBe(2);
  expect(ranges.at(4)).toBeUndefined();
  expect(ranges.at(5)).toEqual({ from: 5, to: 20 });
  expect(ranges.at(20)).toBeUndefined();
  expect(ranges.countFrom(20)).toBe(1);
  expect(ranges.countFrom(41)).toBe(0);
});
