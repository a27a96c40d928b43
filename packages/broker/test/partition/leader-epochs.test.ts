import { expect, test } from "vitest";
import { LeaderEpochs } from "../../src/partition/leader-epochs.ts";

function epochs(...entries: [epoch: number, startOffset: number][]): LeaderEpochs {
  const made = new LeaderEpochs();
  for (const [epoch, startOffset] of entries) made.note(epoch, startOffset);
  return made;
}

test("an epoch ends where the next one begins, the last at the log's end", () => {
  const known = epochs([0, 0], [2, 10], [5, 30]);
  expect(known.endOf(0, 50)).toEqual({ epoch: 0, endOffset: 10 });
  expect(known.endOf(2, 50)).toEqual({ epoch: 2, endOffset: 30 });
  expect(known.endOf(5, 50)).toEqual({ epoch: 5, endOffset: 50 });
});

test("an epoch without a batch is answered with the one before it", () => {
  expect(epochs([0, 0], [2, 10]).endOf(1, 50)).toEqual({ epoch: 0, endOffset: 10 });
});

test("an epoch from the future is unknown", () => {
  expect(epochs([0, 0]).endOf(1, 50)).toEqual({ epoch: -1, endOffset: -1 });
  expect(epochs().endOf(0, 50)).toEqual({ epoch: -1, endOffset: -1 });
});

test("epoch -1, which means none, has no end", () => {
  expect(epochs([0, 0], [2, 10]).endOf(-1, 50)).toEqual({ epoch: -1, endOffset: -1 });
});

test("an epoch older than all known ones ends where the first of them starts", () => {
  expect(epochs([3, 20]).endOf(1, 50)).toEqual({ epoch: 1, endOffset: 20 });
});

test("an epoch that wrote nothing is replaced by the next one at the same offset", () => {
  const known = epochs([0, 0], [1, 10], [2, 10]);
  expect(known.snapshot(100)).toEqual([
    { epoch: 0, startOffset: 0 },
    { epoch: 2, startOffset: 10 },
  ]);
});

test("the epoch of each offset is known", () => {
  const known = epochs([0, 5], [2, 10]);
  expect([4, 5, 9, 10, 99].map((offset) => known.epochAt(offset))).toEqual([-1, 0, 0, 2, 2]);
});
