import { expect, test } from "vitest";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { add, counterMachine, FORGET_AFTER_MS, nextOf } from "./counter.ts";
import { CoordinatorHarness } from "./harness.ts";

const NAMES = ["a", "b", "c"];

test("the next addition answers a waiting request; a crash loses the request", () => {
  const counters = new CoordinatorHarness(counterMachine);
  const waiting = counters.run(nextOf("a"));
  expect(waiting.answered).toBe(false);
  expect(counters.run(add("a", 2)).answer).toBe(2);
  expect(waiting.answer).toBe(2);
  const lost = counters.run(nextOf("a"));
  counters.crash();
  expect(lost.lost).toBe(true);
});

test("a counter is deleted an hour after its last addition, and not before", () => {
  const counters = new CoordinatorHarness(counterMachine);
  counters.run(add("a", 1));
  counters.advance(FORGET_AFTER_MS - 1);
  counters.run(add("a", 1));
  expect(counters.advance(FORGET_AFTER_MS - 1)).toEqual([]);
  expect(counters.advance(1)).toEqual([{ name: "a", count: null }]);
});

test("a replay of the records or of a snapshot gives the live state, after any history", () => {
  const random = new SeededRandom(seedOf("counters"));
  const counters = new CoordinatorHarness(counterMachine);
  for (let i = 0; i < 500; i++) {
    const roll = random.next();
    if (roll < 0.8) counters.run(add(random.pick(NAMES), random.below(10)));
    else if (roll < 0.9) counters.advance(random.below(FORGET_AFTER_MS));
    else counters.crash();
    const { counts } = counters.state;
    expect(counters.replayed().counts).toEqual(counts);
    expect(counters.replayed(counters.snapshot()).counts).toEqual(counts);
    expect(counters.deadlines.count).toBe(counts.size);
  }
});
