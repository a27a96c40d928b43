import { expect, it, vi } from "vitest";
import { LayeredMap } from "../../src/util/layered-map.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

it("a layered map holds the same entries as a map, and does not change earlier ones", () => {
  const random = new SeededRandom(seedOf("layered maps"));
  for (let round = 0; round < 20; round++) {
    let layered = new LayeredMap<number, number>();
    let model = new Map<number, number>();
    const earlier: [LayeredMap<number, number>, Map<number, number>][] = [];
    for (let step = 0; step < 200; step++) {
      const changes = new Map<number, number | undefined>();
      for (let i = random.below(4); i >= 0; i--) {
        changes.set(random.below(200), random.chance(0.3) ? undefined : step);
      }
      earlier.push([layered, model]);
      layered = layered.with(changes);
      model = new Map(model);
      for (const [key, value] of changes) {
        if (value === undefined) model.delete(key);
        else model.set(key, value);
      }
    }
    earlier.push([layered, model]);
    for (const [is, should] of earlier) {
      expect(new Map(is)).toEqual(should);
      expect(is.size).toBe(should.size);
      expect(new Set(is.keys())).toEqual(new Set(should.keys()));
      const keys = Array.from({ length: 200 }, (_, key) => key);
      expect(keys.map((key) => is.get(key))).toEqual(keys.map((key) => should.get(key)));
      expect(keys.map((key) => is.has(key))).toEqual(keys.map((key) => should.has(key)));
    }
    for (let pair = 0; pair < 100; pair++) {
      const [before, beforeModel] = random.pick(earlier);
      const [now, nowModel] = random.pick(earlier);
      const keys = [...new Set([...beforeModel.keys(), ...nowModel.keys()])];
      const changed = keys.filter((key) => beforeModel.get(key) !== nowModel.get(key));
      expect(new Set(now.changedSince(before))).toEqual(new Set(changed));
    }
  }
});

it("a layered map finds changed keys without looking at all others", () => {
  const all = new Map(Array.from({ length: 10_000 }, (_, key) => [key, 0]));
  let map = new LayeredMap<number, number>(all);
  let looked = 0;
  for (let step = 1; step <= 300; step++) {
    const next = map.with(new Map([[step, step]]));
    const get = vi.spyOn(next, "get");
    expect(next.changedSince(map)).toEqual([step]);
    looked = Math.max(looked, get.mock.calls.length);
    map = next;
  }
  expect(looked).toBeLessThan(250);
});
