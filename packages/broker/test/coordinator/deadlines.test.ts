import { expect, test } from "vitest";
import { Deadlines } from "../../src/coordinator/deadlines.ts";
import { MIN_STALE_DEADLINES } from "../../src/coordinator/limits.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

test("takeDue() yields each due timer once, the earliest first", () => {
  const deadlines = new Deadlines();
  const [a, b, c] = [{ key: "a" }, { key: "b" }, { key: "c" }];
  deadlines.set(b, 20);
  deadlines.set(c, 30);
  deadlines.set(a, 10);
  expect(deadlines.nextMs).toBe(10);
  expect([...deadlines.takeDue(25)]).toEqual([a, b]);
  expect([...deadlines.takeDue(25)]).toEqual([]);
  expect([...deadlines.takeDue(30)]).toEqual([c]);
  expect(deadlines.nextMs).toBeUndefined();
});

test("a deadline can be moved later or sooner, and cleared", () => {
  const deadlines = new Deadlines();
  const [old, later, sooner] = [1, 2, 3].map((round) => ({ key: "x", round }));
  deadlines.set(old!, 10);
  deadlines.set(later!, 50);
  expect([...deadlines.takeDue(49)]).toEqual([]);
  deadlines.set(sooner!, 20);
  expect([...deadlines.takeDue(49)]).toEqual([sooner]);
  deadlines.set(later!, 60);
  deadlines.clear("x");
  expect([...deadlines.takeDue(100)]).toEqual([]);
  expect(deadlines.count).toBe(0);
});

test("moving a deadline later, as heartbeats do, does not make the heap grow", () => {
  const deadlines = new Deadlines();
  for (let now = 0; now < 10_000; now++) {
    deadlines.set({ key: "session" }, now + 100);
    expect([...deadlines.takeDue(now)]).toEqual([]);
  }
  expect(deadlines.nextMs).toBeGreaterThan(9_900);
  expect(deadlines.nextMs).toBeLessThanOrEqual(10_099);
  expect(deadlines.heapSize).toBe(1);
});

test("deadlines that are cleared long before they are due do not make the heap grow", () => {
  const deadlines = new Deadlines();
  for (let i = 0; i < 100; i++) deadlines.set({ key: `stays${i}` }, 1_000_000 + i);
  for (let i = 0; i < 10_000; i++) {
    deadlines.set({ key: `goes${i}` }, 2_000_000);
    deadlines.clear(`goes${i}`);
    expect(deadlines.heapSize).toBeLessThanOrEqual(2 * 101 + MIN_STALE_DEADLINES);
  }
  const due = Array.from(deadlines.takeDue(3_000_000), ({ key }) => key);
  expect(due).toEqual(Array.from({ length: 100 }, (_, i) => `stays${i}`));
});

test("any sequence of operations agrees with a plain map", () => {
  const random = new SeededRandom(seedOf("deadlines"));
  const deadlines = new Deadlines();
  const model = new Map<string, { dueMs: number; timer: { key: string } }>();
  for (let now = 0; now < 5_000; now++) {
    const id = `d${random.below(20)}`;
    if (random.chance(0.7)) {
      const set = { dueMs: now + random.below(50), timer: { key: id } };
      deadlines.set(set.timer, set.dueMs);
      model.set(id, set);
    } else if (random.chance(0.5)) {
      deadlines.clear(id);
      model.delete(id);
    } else {
      const due = [...model].filter(([, { dueMs }]) => dueMs <= now);
      for (const [key] of due) model.delete(key);
      expect(new Set(deadlines.takeDue(now))).toEqual(new Set(due.map(([, d]) => d.timer)));
    }
    expect(deadlines.count).toBe(model.size);
    const next = deadlines.nextMs ?? Number.POSITIVE_INFINITY;
    for (const { dueMs } of model.values()) expect(next).toBeLessThanOrEqual(dueMs);
  }
});
