import { decodeBatches, encodeBatch, encodeEndTransaction } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { takeRecords } from "../../src/consumer/fetch.ts";
import { Position } from "../../src/consumer/position.ts";

interface Written {
  readonly producerId: number;
  readonly count?: number;
  readonly end?: "commit" | "abort";
  readonly transactional?: boolean;
}

/** A partition's log: batches of `count` records, and markers. */
function logOf(batches: readonly Written[]): Buffer {
  let baseOffset = 0;
  const written = batches.map(({ producerId, count = 1, end, transactional = true }) => {
    const by = { producerId, producerEpoch: 0 };
    const marker = { ...by, coordinatorEpoch: 0, timestamp: 1, isCommit: end === "commit" };
    const records = Array.from({ length: count }, () => {
      return { key: null, value: Buffer.from(`p${producerId}`), timestamp: 1 };
    });
    const fields = { ...by, baseSequence: 0, transactional };
    const bytes = end === undefined ? encodeBatch(records, fields) : encodeEndTransaction(marker);
    new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(baseOffset));
    baseOffset += end === undefined ? count : 1;
    return bytes;
  });
  return Buffer.concat(written);
}

const offsets = (...args: Parameters<typeof takeRecords>) => {
  return takeRecords(...args).map(({ offset }) => offset);
};

test("two transactions of one producer, of which the first is aborted, and others between", () => {
  const bytes = logOf([
    { producerId: 7, count: 2 },
    { producerId: 8 },
    { producerId: 9, transactional: false },
    { producerId: 7, end: "abort" },
    { producerId: 7 },
    { producerId: 8, end: "abort" },
    { producerId: 7, end: "commit" },
    { producerId: 8 },
    { producerId: 8, end: "commit" },
  ]);
  const aborted = [
    { producerId: 8, firstOffset: 2 },
    { producerId: 7, firstOffset: 0 },
  ];
  const position = new Position("t", 0, 0);
  expect(offsets(position, bytes, aborted)).toEqual([3, 5, 8]);
  expect(position.offset).toBe(10);
  // Those who read uncommitted records get no list, and all records but the markers.
  expect(offsets(new Position("t", 0, 0), bytes)).toEqual([0, 1, 2, 3, 5, 8]);
});

test("a response that begins in the middle of an aborted transaction", () => {
  const log = logOf([
    { producerId: 7, count: 3 },
    { producerId: 7, count: 2 },
    { producerId: 7, end: "abort" },
    { producerId: 7 },
  ]);
  const [first] = decodeBatches(log);
  const position = new Position("t", 0, 4);
  const aborted = [{ producerId: 7, firstOffset: 0 }];
  expect(offsets(position, log.subarray(first!.header.sizeBytes), aborted)).toEqual([6]);
});
