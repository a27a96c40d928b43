import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  crc32c,
  decodeBatch,
  decodeBatches,
  encodeBatch,
  findRecordByTimestamp,
  RecordFormatError,
  stampAppendTime,
  validateBatch,
} from "../../src/records/index.ts";
import { NOW, RULES, record, recordsArbitrary, text } from "./samples.ts";

const seed = Number(process.env.TARPAN_SEED ?? Date.now() % 2 ** 31);
console.log(`record batches: TARPAN_SEED=${seed}`);

describe("encode, validate and decode", () => {
  it("preserve any records", () => {
    const property = fc.property(recordsArbitrary, (records) => {
      const bytes = encodeBatch(records, { baseOffset: 0 });
      const verdict = validateBatch(bytes, RULES);
      const maxTimestamp = Math.max(...records.map((one) => one.timestamp));
      expect(verdict).toMatchObject({ ok: true, maxTimestamp });
      const decoded = [...decodeBatch(bytes, { crc32c }).records()];
      const expected = records.map((one, offset) => ({ ...one, offset }));
      expect(decoded).toEqual(expected);
    });
    fc.assert(property, { seed, numRuns: 200 });
  });

  it("answer any damage with a verdict or a RecordFormatError", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 });
    const property = fc.property(recordsArbitrary, damage, (records, changes) => {
      const bytes = encodeBatch(records);
      for (const [at, byte] of changes) bytes[61 + (at % (bytes.length - 61))] = byte;
      const rules = { ...RULES, crc32c: () => new DataView(bytes.buffer).getUint32(17) };
      const verdict = validateBatch(bytes, rules);
      let count = 0;
      try {
        for (const _ of decodeBatch(bytes).records()) count++;
      } catch (error) {
        expect(error).toBeInstanceOf(RecordFormatError);
        count = -1;
      }
      // Every reader can read a batch that has passed validation.
      if (verdict.ok) expect(count).toBe(records.length);
    });
    fc.assert(property, { seed, numRuns: 500 });
  });
});

describe("decodeBatches", () => {
  const first = encodeBatch([record(0), record(1)], { baseOffset: 10 });
  const second = encodeBatch([record(2)], { baseOffset: 12, transactional: true, producerId: 5 });
  const both = Buffer.concat([first, second]);
  const offsets = (field: Uint8Array | Uint8Array[]) =>
    [...decodeBatches(field)].flatMap((batch) => [...batch.records()].map((one) => one.offset));

  it("yields batch after batch, and skips a cut-off one", () => {
    expect(offsets(both)).toEqual([10, 11, 12]);
    expect(offsets([first, second])).toEqual([10, 11, 12]);
    for (let cut = 0; cut < both.length; cut++) {
      expect(offsets(both.subarray(0, cut))).toEqual(cut < first.length ? [] : [10, 11]);
    }
    expect(() => offsets([first.subarray(0, 70), second])).toThrow(RecordFormatError);
  });

  it("refuses impossible lengths and formats", () => {
    const short = Uint8Array.from(first);
    new DataView(short.buffer).setInt32(8, 20);
    expect(() => offsets(short)).toThrow(RecordFormatError);
    const legacy = Uint8Array.from(first);
    legacy[16] = 1;
    expect(() => offsets(legacy)).toThrow(RecordFormatError);
  });

  it("checks CRCs when asked", () => {
    const damaged = Uint8Array.from(first);
    damaged[damaged.length - 2]! ^= 1;
    const decode = () => [...decodeBatch(damaged, { crc32c }).records()];
    expect(decode).toThrow(/CRC/);
  });
});

describe("findRecordByTimestamp", () => {
  const times = [NOW + 5, NOW + 1, NOW + 9];
  const batch = encodeBatch(
    times.map((timestamp, i) => record(i, { timestamp })),
    { baseOffset: 100 },
  );

  it("finds the first record at or after the time", () => {
    const find = (timestamp: number) => findRecordByTimestamp(batch, timestamp, 0);
    expect(find(0)).toEqual({ offset: 100, timestamp: NOW + 5 });
    expect(find(NOW + 6)).toEqual({ offset: 102, timestamp: NOW + 9 });
    expect(find(NOW + 10)).toBeNull();
  });

  it("sees the append time on every record", () => {
    const stamped = Uint8Array.from(batch);
    stampAppendTime(stamped, 0, NOW + 50, crc32c);
    expect(findRecordByTimestamp(stamped, NOW + 50, 0)).toEqual({
      offset: 100,
      timestamp: NOW + 50,
    });
    expect(findRecordByTimestamp(stamped, NOW + 51, 0)).toBeNull();
  });
});

it("compresses with the given codec, and refuses values out of range", () => {
  const flip = (_: number, bytes: Uint8Array) => bytes.map((byte) => byte ^ 255);
  const batch = encodeBatch([record(0)], { compression: 3, compress: flip });
  const { header, records } = decodeBatch(batch, { decompress: flip });
  expect(header.compression).toBe(3);
  expect([...records()][0]?.value).toEqual(text("value 0"));
  expect(() => encodeBatch([])).toThrow(RangeError);
  expect(() => encodeBatch([record(0, { timestamp: 2 ** 53 })])).toThrow(RangeError);
  expect(() => encodeBatch([record(0)], { compression: 1 })).toThrow(TypeError);
});

it("keeps the keys of headers, however many there are and however long", () => {
  const value = new Uint8Array([1]);
  const names = Array.from(
    { length: 700 },
    (_, index) => `é${"x".repeat(index % 90)}${index % 300}`,
  );
  const records = names.map((key) => ({
    ...{ key: null, value: null, timestamp: 0 },
    headers: [
      { key, value },
      { key: "common", value },
    ],
  }));
  const decoded = [...decodeBatch(encodeBatch(records)).records()];
  expect(decoded.map(({ headers }) => headers.map(({ key }) => key))).toEqual(
    names.map((key) => [key, "common"]),
  );
});
