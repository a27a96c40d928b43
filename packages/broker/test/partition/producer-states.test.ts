import { expect, test } from "vitest";
import { ProducerStates } from "../../src/partition/producer-states.ts";
import { headerOf, producerBatch } from "./batches.ts";

const batch = (baseSequence: number, options = {}) =>
  headerOf(producerBatch(baseSequence, options));

function statesWith(...appended: { sequence: number; count?: number; epoch?: number }[]) {
  const states = new ProducerStates();
  let offset = 0;
  for (const { sequence, count = 1, epoch = 0 } of appended) {
    states.note(batch(sequence, { count, producerEpoch: epoch }), offset, offset + count);
    offset += count;
  }
  return states;
}

test("an unknown producer may begin with any sequence", () => {
  expect(new ProducerStates().validate(batch(41))).toEqual({ kind: "new" });
});

test("sequences continue without a gap", () => {
  const states = statesWith({ sequence: 0, count: 3 });
  expect(states.validate(batch(3))).toEqual({ kind: "new" });
  expect(states.validate(batch(4))).toEqual({ kind: "out-of-order", got: 4, lastSequence: 2 });
  expect(states.validate(batch(2))).toMatchObject({ kind: "out-of-order" });
});

test("the last five batches are recognized as duplicates, the sixth is not", () => {
  const states = statesWith(...[0, 1, 2, 3, 4, 5].map((sequence) => ({ sequence })));
  for (const sequence of [1, 2, 3, 4, 5]) {
    expect(states.validate(batch(sequence))).toMatchObject({
      kind: "duplicate",
      of: { baseOffset: sequence },
    });
  }
  expect(states.validate(batch(0))).toMatchObject({ kind: "out-of-order" });
});

test("the same first sequence with another length is no duplicate", () => {
  const states = statesWith({ sequence: 0, count: 3 });
  expect(states.validate(batch(0, { count: 2 }))).toMatchObject({ kind: "out-of-order" });
});

test("a newer epoch begins at sequence 0, an older one is refused", () => {
  const states = statesWith({ sequence: 0, epoch: 4 });
  expect(states.validate(batch(0, { producerEpoch: 5 }))).toEqual({ kind: "new" });
  expect(states.validate(batch(1, { producerEpoch: 5 }))).toMatchObject({ kind: "out-of-order" });
  expect(states.validate(batch(1, { producerEpoch: 3 }))).toEqual({
    kind: "old-epoch",
    currentEpoch: 4,
  });
});

test("a producer without an epoch may send any sequence, but duplicates are recognized", () => {
  const states = statesWith({ sequence: 5, epoch: -1 });
  expect(states.validate(batch(9, { producerEpoch: -1 }))).toEqual({ kind: "new" });
  expect(states.validate(batch(5, { producerEpoch: -1 }))).toMatchObject({ kind: "duplicate" });
  expect(states.validate(batch(9, { producerEpoch: 0 }))).toEqual({ kind: "new" });
  const none = new ProducerStates();
  expect(none.validate(batch(0, { producerEpoch: -2 }))).toMatchObject({ kind: "old-epoch" });
});

test("a producer of records from before 1970 does not count as idle", () => {
  const states = new ProducerStates();
  const old = { ...batch(0), maxTimestamp: -1 };
  states.note(old, 0, 1, 5_000);
  states.expireBefore(5_000);
  expect(states.validate(old)).toMatchObject({ kind: "duplicate" });
  states.expireBefore(5_001);
  expect(states.validate(old)).toEqual({ kind: "new" });
});

test("sequences begin again at 0 after 2^31-1", () => {
  const states = new ProducerStates();
  states.note(batch(0x7fffffff), 0, 0);
  expect(states.validate(batch(0))).toEqual({ kind: "new" });
  states.note(batch(0x7ffffffe, { producerId: 8, count: 3 }), 1, 1);
  expect(states.validate(batch(1, { producerId: 8 }))).toEqual({ kind: "new" });
});

test("a batch whose append failed is forgotten, and replaces no durable one", () => {
  const states = statesWith(...[0, 1, 2, 3, 4].map((sequence) => ({ sequence })));
  const durableEnd = 5;
  const noted = [5, 6, 7].map((sequence) => states.note(batch(sequence), sequence, durableEnd));
  for (const seen of noted) states.forget(7, seen);
  expect(states.validate(batch(0))).toMatchObject({ kind: "duplicate" });
  expect(states.validate(batch(5))).toEqual({ kind: "new" });
});

test("a snapshot holds the state below its offset, and restores it", () => {
  const states = statesWith({ sequence: 0 }, { sequence: 1 });
  const restored = new ProducerStates();
  restored.restore(states.snapshot(1));
  expect(restored.validate(batch(0))).toMatchObject({ kind: "duplicate" });
  expect(restored.validate(batch(1))).toEqual({ kind: "new" });
});

test("a producer that is idle for too long is forgotten", () => {
  const states = statesWith({ sequence: 0 });
  states.expireBefore(1_000);
  expect(states.count).toBe(1);
  states.expireBefore(1_001);
  expect(states.count).toBe(0);
});
