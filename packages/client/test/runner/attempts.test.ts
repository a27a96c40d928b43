import { expect, test } from "vitest";
import { decodeAttempts, encodeAttempts, newAttempts } from "../../src/runner/attempts.ts";

const some = new Map([
  [1_000, { ...newAttempts(1_700_000_000_000), count: 3 }],
  [1_000_007, { ...newAttempts(1_700_000_000_001), suspect: true }],
]);

test.each([null, "0a1b2c3d"])("attempts survive in an offset's metadata (open by %s)", (openBy) => {
  expect(decodeAttempts(1_000, encodeAttempts(1_000, some, openBy))).toEqual({
    openBy,
    attempts: some,
  });
});

test("without attempts, and not open: no metadata", () => {
  expect(encodeAttempts(5, new Map(), null)).toBe("");
});

test.each(["", "done with b", "tarpan-run:2 open:x", "tarpan-run:1 nonsense 1.2"])(
  "metadata %j holds no attempts",
  (metadata) => {
    expect(decodeAttempts(0, metadata)).toEqual({ openBy: null, attempts: new Map() });
  },
);

test("as many records as may fail and run at once fit the broker's limit", () => {
  const many = Array.from({ length: 200 }, (_, index) => {
    const known = { ...newAttempts(2_500_000_000_000), count: 1_000, suspect: true };
    return [9_000_000 + index, known] as const;
  });
  const text = encodeAttempts(0, new Map(many), "0a1b2c3d");
  expect(text.length).toBeLessThanOrEqual(4_096);
  expect(decodeAttempts(0, text).attempts.size).toBe(200);
});
