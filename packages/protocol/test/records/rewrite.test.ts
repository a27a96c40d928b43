import fc from "fast-check";
import { expect, it } from "vitest";
import {
  BATCH_OVERHEAD,
  crc32c,
  decodeBatch,
  emptyBatch,
  encodeBatch,
  RecordWalk,
  shiftTimestamps,
  withoutRecords,
  withRecords,
} from "../../src/records/index.ts";
import { NOW, record, recordsArbitrary } from "./samples.ts";

const seed = Number(process.env.TARPAN_SEED ?? Date.now() % 2 ** 31);
console.log(`rewritten batches: TARPAN_SEED=${seed}`);

const FIELDS = { baseOffset: 70, leaderEpoch: 3, producerId: 9, producerEpoch: 1, baseSequence: 4 };

it("keeps any records as they were, whatever the delete horizon", () => {
  const horizon = fc.option(fc.integer({ min: NOW, max: NOW + 1e9 }));
  const choices = fc.array(fc.boolean(), { minLength: 1 });
  const property = fc.property(recordsArbitrary, choices, horizon, keeps);
  fc.assert(property, { seed, numRuns: 300 });
});

function keeps(
  records: Parameters<typeof encodeBatch>[0],
  isKept: readonly boolean[],
  deleteHorizonMs: number | null,
): void {
  const batch = encodeBatch(records, FIELDS);
  const { header } = decodeBatch(batch);
  const expected = [...decodeBatch(batch).records()];
  const walk = new RecordWalk();
  walk.begin(batch, BATCH_OVERHEAD, batch.length, records.length);
  const picked: number[] = [];
  const pieces: Uint8Array[] = [];
  for (let i = 0; walk.next(); i++) {
    const { key, value } = records[i]!;
    expect(walk.offsetDelta).toBe(i);
    expect(walk.isTombstone).toBe(value === null);
    const found = walk.keyStart < 0 ? null : batch.subarray(walk.keyStart, walk.keyEnd);
    expect(found).toEqual(key);
    if (!isKept[i % isKept.length]) continue;
    picked.push(i);
    pieces.push(batch.subarray(walk.start, walk.end));
  }
  if (picked.length === 0) return;
  const count = picked.length;
  const plain = Uint8Array.from(Buffer.concat(pieces));
  const shiftMs = header.baseTimestamp - (deleteHorizonMs ?? header.baseTimestamp);
  const body = shiftMs === 0 ? plain : shiftTimestamps(plain, count, shiftMs);
  const maxTimestamp = Math.max(...picked.map((i) => records[i]!.timestamp));
  const kept = withRecords(batch, { count, body, maxTimestamp, deleteHorizonMs }, crc32c);
  const decoded = decodeBatch(kept, { crc32c });
  expect([...decoded.records()]).toEqual(picked.map((i) => expected[i]!));
  const { baseTimestamp, ...same } = header;
  expect(decoded.header).toMatchObject({
    ...same,
    ...{ sizeBytes: kept.length, crc: decoded.header.crc, recordCount: count, maxTimestamp },
    hasDeleteHorizon: deleteHorizonMs !== null,
    baseTimestamp: deleteHorizonMs ?? baseTimestamp,
    attributes: decoded.header.attributes,
  });
}

it("empties a batch, and keeps what tells its producer's state", () => {
  const batch = encodeBatch([record(0), record(1)], FIELDS);
  const decoded = decodeBatch(withoutRecords(batch, crc32c), { crc32c });
  expect([...decoded.records()]).toEqual([]);
  const kept = { ...FIELDS, lastOffset: 71, maxTimestamp: NOW + 1 };
  expect(decoded.header).toMatchObject({ ...kept, recordCount: 0, baseTimestamp: -1 });
});

it("covers offsets by a batch of no producer", () => {
  const offsets = { baseOffset: 5, lastOffset: 2 ** 31, leaderEpoch: 8 };
  const decoded = decodeBatch(emptyBatch(offsets, crc32c), { crc32c });
  expect([...decoded.records()]).toEqual([]);
  const none = { producerId: -1, producerEpoch: -1, baseSequence: -1, maxTimestamp: -1 };
  expect(decoded.header).toMatchObject({ ...offsets, ...none, attributes: 0 });
});
