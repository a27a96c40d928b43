import { expect, test } from "vitest";
import { Deadlines } from "../../src/groups/deadlines.ts";
import type { Step } from "../../src/groups/operation.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

const step = (): Step => () => {};

test("what is due comes out once, the earliest first", () => {
  const deadlines = new Deadlines();
  const [a, b, c] = [step(), step(), step()];
  deadlines.set("b", 20, b);
  deadlines.set("c", 30, c);
  deadlines.set("a", 10, a);
  expect(deadlines.nextMs).toBe(10);
  expect([...deadlines.takeDue(25)]).toEqual([a, b]);
  expect([...deadlines.takeDue(25)]).toEqual([]);
  expect([...deadlines.takeDue(30)]).toEqual([c]);
  expect(deadlines.nextMs).toBeUndefined();
});

test("a deadline can be moved both ways, and cleared", () => {
  const deadlines = new Deadlines();
  const [old, later, sooner] = [step(), step(), step()];
  deadlines.set("x", 10, old);
  deadlines.set("x", 50, later);
  expect([...deadlines.takeDue(49)]).toEqual([]);
  deadlines.set("x", 20, sooner);
  expect([...deadlines.takeDue(49)]).toEqual([sooner]);
  deadlines.set("x", 60, later);
  deadlines.clear("x");
  expect([...deadlines.takeDue(100)]).toEqual([]);
  expect(deadlines.count).toBe(0);
});

test("moving deadlines away, as heartbeats do, does not make the heap grow", () => {
  const deadlines = new Deadlines();
  for (let now = 0; now < 10_000; now++) {
    deadlines.set("session", now + 100, step());
    expect([...deadlines.takeDue(now)]).toEqual([]);
  }
  expect(deadlines.nextMs).toBeGreaterThan(9_900);
  expect(deadlines.nextMs).toBeLessThanOrEqual(10_099);
});

test("any sequence of operations agrees with a plain list", () => {
  const random = new SeededRandom(seedOf("deadlines"));
  const deadlines = new Deadlines();
  const model = new Map<string, { dueMs: number; step: Step }>();
  for (let now = 0; now < 5_000; now++) {
    const id = `d${random.below(20)}`;
    if (random.chance(0.7)) {
      const set = { dueMs: now + random.below(50), step: step() };
      deadlines.set(id, set.dueMs, set.step);
      model.set(id, set);
    } else if (random.chance(0.5)) {
      deadlines.clear(id);
      model.delete(id);
    } else {
      const due = [...model].filter(([, { dueMs }]) => dueMs <= now);
      for (const [key] of due) model.delete(key);
      expect(new Set(deadlines.takeDue(now))).toEqual(new Set(due.map(([, d]) => d.step)));
    }
    expect(deadlines.count).toBe(model.size);
    const next = deadlines.nextMs ?? Number.POSITIVE_INFINITY;
    for (const { dueMs } of model.values()) expect(next).toBeLessThanOrEqual(dueMs);
  }
});
