import { describe, expect, it } from "vitest";
import {
  BATCH_OVERHEAD,
  batchCrcMatches,
  crc32c,
  int64At,
  nextOffsetAt,
  readBatchHeader,
  setInt64,
  stampAppendTime,
  stampBatch,
  stampCrc,
  viewOf,
} from "../../src/records/index.ts";

/** A header with no records, at position 5 of a larger buffer. */
function emptyBatch(): Uint8Array {
  const bytes = new Uint8Array(5 + BATCH_OVERHEAD);
  const view = new DataView(bytes.buffer, 5);
  setInt64(view, 0, 7);
  view.setInt32(8, BATCH_OVERHEAD - 12);
  view.setInt8(16, 2);
  view.setInt16(21, 0x10 | 4);
  view.setInt32(23, 9);
  setInt64(view, 27, -1);
  setInt64(view, 35, 1_700_000_000_123);
  setInt64(view, 43, 4_000_000_001);
  view.setInt16(51, 3);
  view.setInt32(53, 12);
  stampCrc(bytes, 5, crc32c);
  return bytes;
}

describe("batch header", () => {
  it("reads every field at a position", () => {
    const bytes = emptyBatch();
    expect(readBatchHeader(bytes, 5)).toMatchObject({
      baseOffset: 7,
      sizeBytes: 61,
      magic: 2,
      compression: 4,
      timestampType: "CreateTime",
      isTransactional: true,
      isControl: false,
      hasDeleteHorizon: false,
      lastOffsetDelta: 9,
      lastOffset: 16,
      baseTimestamp: -1,
      maxTimestamp: 1_700_000_000_123,
      producerId: 4_000_000_001,
      producerEpoch: 3,
      baseSequence: 12,
      recordCount: 0,
    });
    expect(nextOffsetAt(viewOf(bytes), 5)).toBe(17);
  });

  it("stamps offset and epoch without touching the CRC", () => {
    const bytes = emptyBatch();
    stampBatch(bytes, 5, 2 ** 40 + 1, 11);
    expect(readBatchHeader(bytes, 5)).toMatchObject({ baseOffset: 2 ** 40 + 1, leaderEpoch: 11 });
    expect(batchCrcMatches(bytes, 5, 61, crc32c)).toBe(true);
  });

  it("stamps the append time and rewrites the CRC", () => {
    const bytes = emptyBatch();
    stampAppendTime(bytes, 5, 99, crc32c);
    const header = readBatchHeader(bytes, 5);
    expect(header).toMatchObject({ timestampType: "LogAppendTime", maxTimestamp: 99 });
    expect(header.isTransactional).toBe(true);
    expect(batchCrcMatches(bytes, 5, 61, crc32c)).toBe(true);
    bytes[40]! ^= 1;
    expect(batchCrcMatches(bytes, 5, 61, crc32c)).toBe(false);
  });

  it("keeps an int64 exact to the edges of the safe range and refuses more", () => {
    const view = new DataView(new ArrayBuffer(8));
    const edge = Number.MAX_SAFE_INTEGER;
    for (const value of [0, 1, -1, -2, 2 ** 31, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, edge, -edge]) {
      setInt64(view, 0, value);
      expect(int64At(view, 0)).toBe(value);
      expect(view.getBigInt64(0)).toBe(BigInt(value));
    }
    expect(() => setInt64(view, 0, edge + 1)).toThrow(RangeError);
    expect(() => setInt64(view, 0, 0.5)).toThrow(RangeError);
  });

  it("throws on a short buffer", () => {
    expect(() => readBatchHeader(new Uint8Array(60))).toThrow(RangeError);
  });
});

describe("crc32c", () => {
  it("matches the vectors of RFC 3720 B.4", () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(ascending)).toBe(0x46dd794e);
    expect(crc32c(ascending.slice().reverse())).toBe(0x113fdb5c);
    expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });
});
