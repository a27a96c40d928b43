import { expect, test } from "vitest";
import { encodeEndTransaction, readEndTransaction } from "../../src/records/end-transaction.ts";
import { crc32c, encodeBatch, readBatchHeader, withoutRecords } from "../../src/records/index.ts";

const FIELDS = { producerId: 4_000, producerEpoch: 3, timestamp: 1_700_000_000_000 };

test("a marker is read as it was written, with Kafka's bytes", () => {
  for (const isCommit of [true, false]) {
    const batch = encodeEndTransaction({ ...FIELDS, isCommit, coordinatorEpoch: 17 });
    const header = readBatchHeader(batch);
    expect(header).toMatchObject({
      ...{ isControl: true, isTransactional: true, recordCount: 1, baseSequence: -1 },
      ...{ producerId: 4_000, producerEpoch: 3, maxTimestamp: FIELDS.timestamp },
    });
    expect(readEndTransaction(batch, 0, header)).toEqual({ isCommit, coordinatorEpoch: 17 });
    // The record: length, attributes, deltas, key (version, type), value (version, epoch), headers.
    expect([...batch.subarray(61)]).toEqual([
      ...[32, 0, 0, 0, 8, 0, 0, 0, Number(isCommit)],
      ...[12, 0, 0, 0, 0, 0, 17, 0],
    ]);
  }
});

test("a control batch that ends no transaction is none", () => {
  const batchOf = (key: number[], value: number[]) => {
    const record = { key: Uint8Array.from(key), value: Uint8Array.from(value), timestamp: 1 };
    return encodeBatch([record], { control: true });
  };
  // A leader change, a key and a value that are too short.
  for (const [key, value] of [
    [
      [0, 0, 0, 2],
      [0, 0, 0, 0, 0, 0],
    ],
    [
      [0, 0],
      [0, 0, 0, 0, 0, 0],
    ],
    [
      [0, 0, 0, 1],
      [0, 0],
    ],
  ] as const) {
    const batch = batchOf([...key], [...value]);
    expect(readEndTransaction(batch, 0, readBatchHeader(batch))).toBeNull();
  }
  const marker = encodeEndTransaction({ ...FIELDS, isCommit: true, coordinatorEpoch: 0 });
  const left = withoutRecords(marker, crc32c);
  expect(readEndTransaction(left, 0, readBatchHeader(left))).toBeNull();
});
