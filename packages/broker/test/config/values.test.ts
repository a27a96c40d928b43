import { describe, expect, test } from "vitest";
import { nodeIdOf } from "../../src/config/index.ts";
import { durationMs, durationOr, list, sizeBytes, sizeOr } from "../../src/config/values.ts";

test.each([
  ["10ms", 10],
  ["5s", 5000],
  ["10m", 600_000],
  ["24h", 86_400_000],
  ["7d", 604_800_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  ["0", 0],
])("duration %s", (text, ms) => expect(durationMs(text)).toBe(ms));

test.each(["5", 5, "", "s", "5 s", "-5s", "5y", null])("no duration: %j", (value) =>
  expect(() => durationMs(value)).toThrow(/^must be a duration/),
);

test.each([
  [1_048_576, 1_048_576],
  ["1048576", 1_048_576],
  ["64MB", 67_108_864],
  ["64MiB", 67_108_864],
  ["64m", 67_108_864],
  ["1.5GB", 1_610_612_736],
  ["10B", 10],
])("size %s", (value, bytes) => expect(sizeBytes(value)).toBe(bytes));

test.each(["", "MB", "-1", "1XB", "1e3", null])("no size: %j", (value) =>
  expect(() => sizeBytes(value)).toThrow(/^must be a size/),
);

describe("bare numbers have the unit of their key", () => {
  test("megabytes", () => {
    expect(sizeOr(1_048_576)(100)).toBe(104_857_600);
    expect(sizeOr(1_048_576)("512KB")).toBe(524_288);
  });
  test("hours", () => {
    expect(durationOr(3_600_000)(24)).toBe(86_400_000);
    expect(durationOr(3_600_000)("90m")).toBe(5_400_000);
  });
});

test("lists", () => {
  expect(list("a:1, b:2")).toEqual(["a:1", "b:2"]);
  expect(list(["a:1"])).toEqual(["a:1"]);
  expect(list("")).toEqual([]);
});

test.each([
  ["7", 7],
  ["0", 0],
  ["broker1", 1],
  ["broker-12", 12],
  ["node-007", 7],
])("node id of %s", (name, id) => expect(nodeIdOf(name)).toBe(id));

test("any other name has a positive id, always the same", () => {
  expect(nodeIdOf("alpha")).toBe(nodeIdOf("alpha"));
  expect(nodeIdOf("alpha")).not.toBe(nodeIdOf("beta"));
  for (const name of ["alpha", "", "a-99999999999", "日本"]) {
    expect(nodeIdOf(name)).toBeGreaterThan(0);
    expect(nodeIdOf(name)).toBeLessThan(2 ** 31);
  }
});
