import { expect, test } from "vitest";
import { parseCompression, parseDuration, parsePair, parseStart } from "../src/args/values.ts";

test.each([
  ["earliest", "earliest"],
  ["beginning", "earliest"],
  ["latest", "latest"],
  ["end", "latest"],
  ["0", 0],
  ["123", 123],
  ["-10", { last: 10 }],
  ["@1700000000000", { timestampMs: 1_700_000_000_000 }],
  ["2026-11-20T10:00:00Z", { timestampMs: Date.UTC(2026, 10, 20, 10) }],
])("offset %s", (text, start) => expect(parseStart(text)).toEqual(start));

test.each(["", "soon", "1.5", "@", "2026-99-99"])("parseStart refuses %j", (text) =>
  expect(() => parseStart(text)).toThrow(/--offset must be/),
);

test("durations, pairs, compressions", () => {
  expect(parseDuration("10s", "timeout")).toBe(10_000);
  expect(parseDuration("1d2h30m5s7ms", "timeout")).toBe(95_405_007);
  expect(() => parseDuration("1h30", "timeout")).toThrow(/timeout must be a duration/);
  expect(() => parseDuration("10", "timeout")).toThrow(/timeout must be a duration/);
  expect(parsePair("a=b=c", "--header")).toEqual(["a", "b=c"]);
  expect(() => parsePair("a", "--header")).toThrow(/--header must be name=value/);
  expect(parseCompression("zlib")).toBe("gzip");
  expect(() => parseCompression("rar")).toThrow(/--compression must be/);
});
