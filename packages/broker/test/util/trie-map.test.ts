import { expect, it, vi } from "vitest";
import { TrieMap } from "../../src/util/trie-map.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

/** Pairs of texts: one of each pair, in this order, make keys with the same hash. */
const PAIRS = collidingPairs(9);

it.each([
  ["few keys", 20],
  ["many keys", 400],
])("a trie map of %s holds the same entries as a map, and leaves earlier ones", (_, most) => {
  const random = new SeededRandom(seedOf("trie maps"));
  for (let round = 0; round < 5; round++) {
    let trie = new TrieMap<number>();
    let model = new Map<string, number>();
    const earlier: [TrieMap<number>, Map<string, number>][] = [];
    for (let step = 0; step < 60; step++) {
      const changes = new Map<string, number | undefined>();
      const gone = random.pick([0.1, 0.5, 0.9]);
      for (let i = random.below(most / 5); i >= 0; i--) {
        changes.set(keyOf(random.below(most)), random.chance(gone) ? undefined : step);
      }
      earlier.push([trie, model]);
      trie = trie.with(changes);
      model = new Map(model);
      for (const [key, value] of changes) {
        if (value === undefined) model.delete(key);
        else model.set(key, value);
      }
    }
    earlier.push([trie, model]);
    const keys = Array.from({ length: most }, (_, key) => keyOf(key));
    for (const [is, should] of earlier) {
      expect(new Map(is)).toEqual(should);
      expect(is.size).toBe(should.size);
      expect(new Set(is.keys())).toEqual(new Set(should.keys()));
      expect([...is.values()].sort()).toEqual([...should.values()].sort());
      const visited = new Map<string, number>();
      is.forEach((value, key) => {
        visited.set(key, value);
      });
      expect(visited).toEqual(should);
      expect(keys.map((key) => is.get(key))).toEqual(keys.map((key) => should.get(key)));
      expect(keys.map((key) => is.has(key))).toEqual(keys.map((key) => should.has(key)));
    }
    for (let pair = 0; pair < 60; pair++) {
      const [before, beforeModel] = random.pick(earlier);
      const [now, nowModel] = random.pick(earlier);
      const changed = keys.filter((key) => beforeModel.get(key) !== nowModel.get(key));
      const found = now.changedSince(before);
      expect(found.toSorted()).toEqual(changed.toSorted());
    }
  }
});

it("a trie map without a real change is the same one", () => {
  const map = new TrieMap<number>().with([["a", 1]]);
  expect(map.with([])).toBe(map);
  expect(map.with([["a", 1]])).toBe(map);
  expect(map.with([["b", undefined]])).toBe(map);
});

it("a trie map keeps many keys with the same hash apart", () => {
  const keys = [...new Set(Array.from({ length: 256 }, (_, i) => collidingKey(i)))];
  expect(keys.length).toBe(256);
  let map = new TrieMap<number>().with(keys.map((key, i) => [key, i]));
  expect(keys.map((key) => map.get(key))).toEqual(keys.map((_, i) => i));
  map = map.with(keys.slice(1).map((key) => [key, undefined]));
  expect([...map]).toEqual([[keys[0], 0]]);
});

it("a change and a comparison look at a small part of a large map", () => {
  const entries = Array.from({ length: 100_000 }, (_, i) => [`key-${i}`, i] as const);
  let map = new TrieMap<number>().with(entries);
  const slice = vi.spyOn(Array.prototype, "slice");
  let copied = 0;
  for (let step = 1; step <= 300; step++) {
    const key = `key-${step * 7}`;
    const next = map.with([[key, -step]]);
    expect(next.changedSince(map)).toEqual([key]);
    map = next;
  }
  for (const { value } of slice.mock.results) copied += (value as unknown[]).length;
  slice.mockRestore();
  expect(copied / 300).toBeGreaterThan(10);
  expect(copied / 300).toBeLessThan(250);
});

/** Some of the keys have the same hash. */
function keyOf(number: number): string {
  return number % 4 === 0 ? collidingKey(number) : `key-${number}`;
}

function collidingKey(number: number): string {
  return PAIRS.map((pair, bit) => pair[(number >> bit) & 1]!).join("");
}

/** FNV-1a of the even characters is the same after both texts of a pair; the odd ones are dots. */
function collidingPairs(count: number): (readonly [string, string])[] {
  const fnv = (hash: number, code: number) => Math.imul(hash ^ code, 0x01000193);
  let hash = 0x811c9dc5;
  return Array.from({ length: count }, () => {
    const byUpperHalf = new Map<number, number>();
    for (let first = 0x20; ; first++) {
      const after = fnv(hash, first);
      const same = byUpperHalf.get(after >>> 16);
      byUpperHalf.set(after >>> 16, first);
      if (same === undefined) continue;
      const second = (after ^ fnv(hash, same)) & 0xffff;
      hash = fnv(fnv(hash, same), second);
      const dot = 0x2e;
      return [String.fromCharCode(same, dot, second, dot), String.fromCharCode(first, dot, 0, dot)];
    }
  });
}
