import { expect, it } from "vitest";
import { hashKey, keyHash } from "../../src/log/compaction/key-hash.ts";
import { KeyOffsets } from "../../src/log/compaction/key-offsets.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

const text = new TextEncoder();

function hashOf(key: string, seed: number): string {
  const bytes = text.encode(`..${key}..`);
  hashKey(bytes, 2, bytes.length - 2, seed);
  return [...keyHash].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

it("hashes as MurmurHash3 does", () => {
  expect(hashOf("", 0)).toBe("0".repeat(32));
  expect(hashOf("I will not buy this record, it is scratched.", 0)).toBe(
    "a0a9683b25ac5e40d9af2895890dddf5",
  );
  expect(hashOf("a", 1)).not.toBe(hashOf("a", 2));
});

it("agrees with a map, up to its capacity", () => {
  const random = new SeededRandom(seedOf("key offsets"));
  const offsets = new KeyOffsets(1000, 0.9, 5);
  const model = new Map<string, number>();
  // Some below 2^32 and some above.
  for (let offset = 2 ** 32 - 2500; offset < 2 ** 32 + 2500; offset++) {
    const key = `k${random.below(2000)}`;
    const bytes = text.encode(key);
    const hasRoom = model.has(key) || model.size < 900;
    expect(offsets.put(bytes, 0, bytes.length, offset)).toBe(hasRoom);
    if (hasRoom) model.set(key, offset);
  }
  expect(offsets.size).toBe(900);
  for (let i = 0; i < 2000; i++) {
    const bytes = text.encode(`k${i}`);
    expect(offsets.get(bytes, 0, bytes.length)).toBe(model.get(`k${i}`) ?? -1);
  }
});
