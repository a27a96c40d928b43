import { expect, test } from "vitest";
import { MAX_PRODUCERS_PER_PARTITION } from "../../src/partition/limits.ts";
import { ProducerStates } from "../../src/partition/producer-states.ts";
import { headerOf, producerBatch } from "./batches.ts";

const LIMIT = MAX_PRODUCERS_PER_PARTITION;
const HEADER = headerOf(producerBatch(0));

const headerFor = (producerId: number, isTransactional = false, baseSequence = 0) => ({
  ...HEADER,
  ...{ producerId, isTransactional, baseSequence },
});

/** A partition's producers, each with a batch or more. */
class World {
  readonly states = new ProducerStates();
  #offset = 0;

  write(producerId: number, transactional = false, timestamp = 0): number {
    const header = headerFor(producerId, transactional);
    this.states.note({ ...header, maxTimestamp: timestamp }, this.#offset, this.#offset, timestamp);
    return this.#offset++;
  }

  writeAll(from: number, to: number, transactional = false): void {
    for (let id = from; id < to; id++) this.write(id, transactional);
  }

  end(producerId: number, timestamp = 0): number {
    const end = { producerId, producerEpoch: 0, coordinatorEpoch: 0, isCommit: true, timestamp };
    this.states.noteMarker(end, this.#offset, this.#offset);
    return this.#offset++;
  }

  get known(): Set<number> {
    return new Set(Array.from(this.states.describe(), ({ producerId }) => producerId));
  }

  areKnown(ids: readonly number[]): boolean[] {
    const { known } = this;
    return ids.map((id) => known.has(id));
  }
}

test("the producer that was idle for longest is forgotten, but none with a transaction", () => {
  const world = new World();
  world.write(0, true);
  world.writeAll(1, LIMIT);
  world.write(1);
  world.writeAll(LIMIT, LIMIT + 3);
  expect(world.states.count).toBe(LIMIT);
  expect(world.areKnown([0, 1, 2, 3, 4, 5])).toEqual([true, true, false, false, false, true]);
  // The end of its transaction is the last that it did.
  world.end(0);
  world.writeAll(LIMIT + 3, LIMIT + 6);
  expect(world.areKnown([0, 1, 7, 8])).toEqual([true, true, false, true]);
});

test("more transactions than that may be open, and each goes on", () => {
  const world = new World();
  world.writeAll(0, LIMIT + 2, true);
  expect(world.states.count).toBe(LIMIT + 2);
  for (const producerId of [0, LIMIT, LIMIT + 1]) {
    const next = headerFor(producerId, true, 1);
    expect(world.states.validate(next)).toEqual({ kind: "new" });
  }
  // One without a transaction is remembered until there is another.
  world.writeAll(LIMIT + 2, LIMIT + 4);
  expect(world.areKnown([LIMIT + 2, LIMIT + 3])).toEqual([false, true]);
  for (let id = 0; id < 10; id++) world.end(id);
  world.writeAll(LIMIT + 4, LIMIT + 8);
  expect(world.states.count).toBe(LIMIT);
  expect(world.areKnown([LIMIT + 3, 0, 5, 6])).toEqual([false, false, false, true]);
});

test("a restored state forgets the same producers", () => {
  const world = new World();
  world.writeAll(0, LIMIT);
  world.write(0);
  world.write(1, true);
  const restored = new World();
  restored.states.restore(world.states.snapshot(Number.POSITIVE_INFINITY));
  for (const each of [world, restored]) each.writeAll(LIMIT, LIMIT + 5);
  expect(restored.known).toEqual(world.known);
  expect(restored.areKnown([0, 1, 2, 6, 7])).toEqual([...[true, true, false, false, true]]);
});

test("producers that were taken back are not among those that may be forgotten", () => {
  const world = new World();
  const { states } = world;
  world.writeAll(0, 3);
  const batch = headerFor(3, true);
  const noted = states.note(batch, 3, 3);
  states.forget(3, noted);
  expect(states.count).toBe(3);
  world.write(0, true);
  const marker = world.end(0);
  states.undoMarker(0, marker);
  // Its transaction is open again.
  states.expireBefore(1);
  expect([...world.known]).toEqual([0]);
});

test("expiry looks at all producers again when one may be due", () => {
  const world = new World();
  const { states } = world;
  const timeOf = [50, 10, 40];
  for (const [id, timestamp] of timeOf.entries()) world.write(id, false, timestamp);
  const knownAt = (timestamp: number) => {
    states.expireBefore(timestamp);
    return [...world.known].sort();
  };
  expect(knownAt(10)).toEqual([0, 1, 2]);
  expect(knownAt(11)).toEqual([0, 2]);
  // An old record comes later, from a log that is replayed.
  world.write(3, false, 20);
  expect(knownAt(20)).toEqual([0, 2, 3]);
  expect(knownAt(21)).toEqual([0, 2]);
  world.write(4, true, 5);
  expect(knownAt(41)).toEqual([0, 4]);
  world.end(4, 45);
  expect(knownAt(46)).toEqual([0]);
  // What was taken back does not count as a use.
  const batch = { ...headerFor(0, false, 1), maxTimestamp: 60 };
  const noted = states.note(batch, 100, 100, 60);
  expect(knownAt(55)).toEqual([0]);
  states.forget(0, noted);
  expect(knownAt(55)).toEqual([]);
});
