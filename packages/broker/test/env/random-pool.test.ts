import { expect, it } from "vitest";
import { RandomPool } from "../../src/env/random-pool.ts";

it("gives fresh bytes of any length, and none of them twice", () => {
  const pool = new RandomPool();
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const bytes = pool.bytes(16);
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, 16]);
    seen.add(Buffer.from(bytes).toString("hex"));
  }
  expect(seen.size).toBe(2_000);
  const lengths = [0, 1, 1_023, 1_024, 1_025, 4_096, 10_000];
  expect(lengths.map((length) => pool.bytes(length).length)).toEqual(lengths);
  expect(new Set(pool.bytes(10_000)).size).toBe(256);
});
