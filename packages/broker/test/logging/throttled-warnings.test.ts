import { expect, test } from "vitest";
import {
  MAX_WARNING_KEYS,
  ThrottledWarnings,
  WARNING_INTERVAL_MS,
} from "../../src/logging/throttled-warnings.ts";
import { ManualTime } from "../env/manual-time.ts";

function start() {
  const time = new ManualTime();
  const lines: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error: (line: string) => void lines.push(`ERROR ${line}`),
    warn: (line: string) => void lines.push(line),
  };
  return { time, lines, warnings: new ThrottledWarnings({ timers: time }, logger) };
}

test("logs the first at once, and after a minute the last with the number of repeats", () => {
  const { time, lines, warnings } = start();
  for (const text of ["one", "two", "three"]) warnings.warn("a", text, {});
  warnings.warn("b", "of another sort", {});
  expect(lines).toEqual(["one", "of another sort"]);
  time.advance(WARNING_INTERVAL_MS);
  expect(lines.slice(2)).toEqual(["three (2 more like this)"]);
  warnings.warn("a", "four", {});
  time.advance(WARNING_INTERVAL_MS);
  expect(lines.slice(3)).toEqual(["four (1 more like this)"]);
  time.advance(2 * WARNING_INTERVAL_MS);
  expect(time.pendingTimers).toBe(0);
  warnings.warn("a", "five", {});
  expect(lines.slice(4)).toEqual(["five"]);
});

test("keeps the level of an error", () => {
  const { time, lines, warnings } = start();
  for (const text of ["one", "two"]) warnings.warn("a", text, {}, "error");
  time.advance(WARNING_INTERVAL_MS);
  expect(lines).toEqual(["ERROR one", "ERROR two (1 more like this)"]);
});

test("counts all kinds above the limit as one", () => {
  const { time, lines, warnings } = start();
  for (let i = 0; i < 10 * MAX_WARNING_KEYS; i++) warnings.warn(`${i}`, `${i}`, {});
  expect(lines.length).toBe(MAX_WARNING_KEYS + 1);
  time.advance(WARNING_INTERVAL_MS);
  expect(lines.at(-1)).toBe(`999 (${9 * MAX_WARNING_KEYS - 1} more like this)`);
});

test("close logs the repeats and cancels the timers", () => {
  const { time, lines, warnings } = start();
  warnings.warn("a", "one", {});
  warnings.warn("a", "two", {});
  warnings.close();
  warnings.warn("a", "three", {});
  expect(lines).toEqual(["one", "two (1 more like this)"]);
  expect(time.pendingTimers).toBe(0);
});
