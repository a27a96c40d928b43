import { describe, expect, it } from "vitest";
import {
  decodeBatch,
  encodeBatch,
  findHeader,
  keepRecords,
  type RecordInput,
  readBatchHeader,
  recordsField,
} from "../../src/index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | null) => value && new TextDecoder().decode(value);

const header = (key: string, value: string | null) => ({
  key,
  value: value === null ? null : bytes(value),
});

const RECORDS: readonly RecordInput[] = [
  { key: null, value: null, timestamp: 5_000_000_000 },
  { key: bytes("k"), value: null, timestamp: 5_000_000_900, headers: [header("id", "a")] },
  {
    key: null,
    value: bytes("v".repeat(300)),
    timestamp: 5_000_000_100,
    offsetDelta: 7,
    headers: [header("idx", "no"), header("id", ""), header("i", "no"), header("id", null)],
  },
];

function plain() {
  const batch = encodeBatch(RECORDS);
  const fields = readBatchHeader(batch);
  return recordsField(batch, fields, () => new Uint8Array(), 0);
}

describe("findHeader", () => {
  it("finds every header of the name, with its record", () => {
    const found: Parameters<Parameters<typeof findHeader>[3]>[] = [];
    findHeader(plain(), RECORDS.length, bytes("id"), (...one) => found.push(one));
    expect(found.map(([value, ...at]) => [text(value), ...at])).toEqual([
      ["a", 1, 1],
      ["", 2, 7],
      [null, 2, 7],
    ]);
  });
});

describe("keepRecords", () => {
  it("copies the other records as they are, and tells their number and latest timestamp", () => {
    const base = RECORDS[0]!.timestamp;
    const kept = keepRecords(plain(), RECORDS.length, base, new Set([1]));
    expect(kept).toMatchObject({ count: 2, maxTimestamp: base + 100 });
    const batch = encodeBatch([RECORDS[0]!, RECORDS[2]!]);
    expect(kept.bytes).toEqual(batch.subarray(batch.length - kept.bytes.length));
    expect([...decodeBatch(batch).records()].map(({ offset }) => offset)).toEqual([0, 7]);
    const none = keepRecords(plain(), RECORDS.length, base, new Set([0, 1, 2]));
    expect(none).toEqual({ bytes: new Uint8Array(), count: 0, maxTimestamp: -1 });
  });
});
