import { describe, expect, it } from "vitest";
import {
  type BatchRules,
  crc32c,
  encodeBatch,
  MAX_RECORD_ERRORS,
  type RecordInput,
  renumberRecords,
  stampCrc,
  validateBatch,
} from "../../src/records/index.ts";
import { changed, NOW, RULES, record } from "./samples.ts";

const HEADERS = [{ key: "h", value: Uint8Array.of(1, 2) }];
const three = encodeBatch([record(0), record(1), record(2)]);

function verdict(bytes: Uint8Array, rules: Partial<BatchRules> = {}) {
  const result = validateBatch(bytes, { ...RULES, ...rules });
  return result.ok ? "ok" : result.error;
}

function errorsOf(records: RecordInput[], rules: Partial<BatchRules> = {}) {
  const result = validateBatch(encodeBatch(records), { ...RULES, ...rules });
  return result.ok ? [] : [result.error, ...result.recordErrors.map((error) => error.batchIndex)];
}

describe("framing", () => {
  it("accepts exactly one whole batch", () => {
    expect(verdict(three)).toBe("ok");
    expect(verdict(new Uint8Array(0))).toBe("invalid");
    expect(verdict(Buffer.concat([three, three]))).toBe("invalid");
    for (let cut = 1; cut < three.length; cut++) {
      expect(verdict(three.subarray(0, cut))).toBe("corrupt");
    }
  });

  it("ignores bytes after the batch, unless they are a batch or damaged, as Kafka does", () => {
    const followed = (rest: Uint8Array) => verdict(Buffer.concat([three, rest]));
    for (let length = 1; length < 12; length++) expect(followed(new Uint8Array(length))).toBe("ok");
    for (let cut = 1; cut < three.length; cut++) {
      expect(followed(three.subarray(0, cut))).toBe("ok");
    }
    expect(followed(new Uint8Array(12))).toBe("corrupt");
    expect(followed(changed((bytes) => bytes.fill(3, 16, 17)))).toBe("corrupt");
    const limit = { maxBatchBytes: three.length };
    expect(verdict(Buffer.concat([three, three.subarray(0, -1)]), limit)).toBe("ok");
  });

  it("refuses other formats, wrong lengths and large batches", () => {
    expect(verdict(changed((bytes) => bytes.fill(1, 16, 17)))).toBe("invalid");
    const length = (value: number) => {
      const bytes = Uint8Array.from(three);
      new DataView(bytes.buffer).setInt32(8, value);
      return bytes;
    };
    for (const value of [-1, 0, 48, three.length, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(verdict(length(value))).toBe("corrupt");
    }
    expect(verdict(three, { maxBatchBytes: three.length })).toBe("ok");
    expect(verdict(three, { maxBatchBytes: three.length - 1 })).toBe("too-large");
  });

  it("finds every flipped bit that the CRC covers", () => {
    for (let bit = 17 * 8; bit < three.length * 8; bit++) {
      const bytes = Uint8Array.from(three);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(verdict(bytes)).toBe("corrupt");
    }
  });
});

describe("header", () => {
  const cases: [string, string, (bytes: Uint8Array, view: DataView) => void][] = [
    ["base offset", "invalid", (_, view) => view.setInt32(4, 1)],
    ["no records", "invalid", (_, view) => view.setInt32(57, 0)],
    ["negative count", "invalid", (_, view) => view.setInt32(57, -1)],
    ["too high a count", "invalid", (_, view) => view.setInt32(57, 4)],
    ["too low a last offset delta", "invalid", (_, view) => view.setInt32(23, 1)],
    ["negative last offset delta", "invalid", (_, view) => view.setInt32(23, -1)],
    ["control batch", "invalid", (_, view) => view.setInt16(21, 0x20)],
    ["transaction without producer", "invalid", (_, view) => view.setInt16(21, 0x10)],
    ["producer without sequence", "invalid", (_, view) => view.setBigInt64(43, 7n)],
    ["producer id beyond 2^53", "invalid", (_, view) => view.setBigInt64(43, 2n ** 62n)],
    ["timestamp beyond 2^53", "timestamp", (_, view) => view.setBigInt64(27, 2n ** 62n)],
    ["unknown codec", "unsupported-compression", (_, view) => view.setInt16(21, 5)],
  ];

  it.each(cases)("%s", (_, error, change) => {
    expect(verdict(changed(change))).toBe(error);
  });

  it("checks each count, and both together", () => {
    const both = (count: number) =>
      changed((_, view) => {
        view.setInt32(57, count);
        view.setInt32(23, count - 1);
      });
    for (const count of [1, 2, 4, 2 ** 31 - 1]) expect(verdict(both(count))).toBe("invalid");
  });

  it("accepts a producer id with epoch and sequence, and kafkajs's zeros without an id", () => {
    const producer = { producerId: 9, producerEpoch: 0, baseSequence: 2 ** 31 - 1 };
    expect(verdict(encodeBatch([record(0)], { ...producer, transactional: true }))).toBe("ok");
    expect(verdict(encodeBatch([record(0)], { producerEpoch: 0, baseSequence: 0 }))).toBe("ok");
  });

  it("accepts a negative epoch, and fields that the broker overwrites", () => {
    const producer = { producerId: 9, producerEpoch: -1, baseSequence: 0 };
    expect(verdict(encodeBatch([record(0)], producer))).toBe("ok");
    expect(verdict(changed((_, view) => view.setInt16(21, 0x40)))).toBe("ok");
  });

  it("checks the timestamp of a LogAppendTime batch for a CreateTime topic", () => {
    const claiming = (timestamp: number) =>
      changed((_, view) => {
        view.setInt16(21, 0x08);
        view.setBigInt64(35, BigInt(timestamp));
      });
    const { timestampAfterMaxMs } = RULES;
    expect(validateBatch(claiming(5), RULES)).toMatchObject({ ok: true, maxTimestamp: NOW + 2 });
    expect(verdict(claiming(NOW + timestampAfterMaxMs))).toBe("ok");
    const refused = validateBatch(claiming(NOW + timestampAfterMaxMs + 1), RULES);
    expect(refused).toMatchObject({ ok: false, error: "timestamp" });
    expect(refused).toHaveProperty("recordErrors.length", 3);
    expect(verdict(claiming(-1))).toBe("timestamp");
    expect(verdict(claiming(5), { timestampType: "LogAppendTime" })).toBe("timestamp");
  });

  it("corrects a wrong maxTimestamp and does not refuse it", () => {
    const wrong = changed((_, view) => view.setBigInt64(35, 1n));
    expect(validateBatch(wrong, RULES)).toMatchObject({ ok: true, maxTimestamp: NOW + 2 });
  });
});

describe("records", () => {
  it("names records without a key on a compacted topic", () => {
    const records = [record(0), record(1, { key: null }), record(2), record(3, { key: null })];
    expect(errorsOf(records)).toEqual([]);
    expect(errorsOf(records, { compacted: true })).toEqual(["invalid", 1, 3]);
    const empty = record(0, { key: new Uint8Array(0), value: null });
    expect(errorsOf([empty], { compacted: true })).toEqual([]);
  });

  it("lists no more errors than the limit", () => {
    const records = Array.from({ length: 500 }, (_, i) => record(i, { key: null }));
    expect(errorsOf(records, { compacted: true }).length).toBe(1 + MAX_RECORD_ERRORS);
  });

  it("accepts timestamps within the topic's range, limits included", () => {
    const range = { timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 100 };
    const at = (timestamp: number) => errorsOf([record(0), record(1, { timestamp })], range);
    expect(at(NOW - 1000)).toEqual([]);
    expect(at(NOW + 100)).toEqual([]);
    expect(at(-1)).toEqual([]);
    expect(at(NOW - 1001)).toEqual(["timestamp", 1]);
    expect(at(NOW + 101)).toEqual(["timestamp", 1]);
  });

  it("accepts timestamps before 1970, which give the batch no maxTimestamp", () => {
    const batch = encodeBatch([-1000, -86_400_000].map((timestamp) => record(0, { timestamp })));
    expect(validateBatch(batch, RULES)).toMatchObject({ ok: true, maxTimestamp: -1 });
    const range = { timestampBeforeMaxMs: NOW + 1000 };
    expect(errorsOf([record(0, { timestamp: -1000 })], range)).toEqual([]);
    expect(errorsOf([record(0, { timestamp: -1001 })], range)).toEqual(["timestamp", 0]);
  });

  it("checks a record's key before its timestamp, as Kafka does", () => {
    const late = { timestamp: NOW + RULES.timestampAfterMaxMs + 1 };
    const both = record(0, { key: null, ...late });
    expect(errorsOf([both, record(1)], { compacted: true })).toEqual(["invalid", 0]);
    expect(errorsOf([both, record(1, late)], { compacted: true })).toEqual(["timestamp", 0, 1]);
    expect(errorsOf([both])).toEqual(["timestamp", 0]);
  });

  it("names the first record's error, and the number of other errors", () => {
    const records = [record(0), record(1, { key: null }), record(2, { key: null })];
    const refused = validateBatch(encodeBatch(records), { ...RULES, compacted: true });
    expect(refused).toMatchObject({
      message:
        "record 1 of 3: it has no key, which a compacted topic needs, and 1 more were refused",
    });
  });

  it("does not check timestamps that the broker overwrites", () => {
    const old = encodeBatch([record(0, { timestamp: 5 })]);
    const rules = { ...RULES, timestampType: "LogAppendTime", timestampBeforeMaxMs: 1 } as const;
    expect(validateBatch(old, rules)).toMatchObject({ ok: true, maxTimestamp: NOW });
  });

  it("accepts any offset deltas of records, and reports that they need renumbering", () => {
    const gap = [record(0), record(1, { offsetDelta: 2 })];
    expect(errorsOf(gap)).toEqual(["invalid"]);
    const swapped = [record(0, { offsetDelta: 1 }), record(1, { offsetDelta: 0 }), record(2)];
    const misnumbered = true;
    expect(validateBatch(encodeBatch(swapped), RULES)).toMatchObject({ ok: true, misnumbered });
    expect(validateBatch(three, RULES)).toMatchObject({ ok: true, misnumbered: false });
  });

  it("renumbers records and changes nothing else", () => {
    const deltas = [0, 70, -1, 0, 2 ** 31 - 1, ...Array(199).fill(0), 204];
    const made = deltas.map((offsetDelta, i) => record(i, { offsetDelta, headers: HEADERS }));
    const odd = encodeBatch(made);
    const field = { bytes: odd, start: 61, end: odd.length };
    const plain = encodeBatch(made.map(({ offsetDelta, ...rest }) => rest));
    expect(renumberRecords(field, deltas.length)).toEqual(plain.subarray(61));
  });

  // One record: length, attributes, timestamp delta, offset delta, key, value, headers.
  const malformed: [string, number[]][] = [
    ["length beyond the batch", [14, 0, 0, 0, 1, 1, 0]],
    ["negative length", [1, 0, 0, 0, 1, 1, 0]],
    ["length too short", [10, 0, 0, 0, 1, 1, 0]],
    ["key beyond the record", [12, 0, 0, 0, 4, 1, 0]],
    ["key length of -2", [12, 0, 0, 0, 3, 1, 0]],
    ["value beyond the record", [12, 0, 0, 0, 1, 126, 0]],
    ["value length of -2", [12, 0, 0, 0, 1, 3, 0]],
    ["headers that are not there", [12, 0, 0, 0, 1, 1, 2]],
    ["negative header count", [12, 0, 0, 0, 1, 1, 1]],
    ["null header key", [16, 0, 0, 0, 1, 1, 2, 1, 1]],
    ["header value length of -2", [16, 0, 0, 0, 1, 1, 2, 0, 3]],
    ["bytes after the last record", [12, 0, 0, 0, 1, 1, 0, 0]],
    ["varint of six bytes", [22, 0, 0, 128, 128, 128, 128, 128, 0, 1, 1, 0]],
    ["varint beyond 32 bits", [20, 0, 0, 128, 128, 128, 128, 16, 1, 1, 0]],
    ["varlong of eleven bytes", [32, 0, ...Array(10).fill(128), 0, 0, 1, 1, 0]],
    ["varlong beyond 2^53", [30, 0, ...Array(9).fill(255), 1, 0, 1, 1, 0]],
    ["nothing", []],
  ];

  it.each(malformed)("%s", (_, body) => {
    expect(verdict(batchOf(body))).toBe("invalid");
  });

  it("refuses a header key of negative length, as readers do", () => {
    // Going back two bytes would read the header count again, as a length, and find no error.
    const first = [14, 0, 0, 0, 1, 1, 2, 3];
    const second = [12, 0, 0, 2, 1, 1, 0];
    expect(verdict(batchOf([...first, ...second], 2))).toBe("invalid");
  });

  it("accepts the smallest possible record", () => {
    expect(verdict(batchOf([12, 0, 0, 0, 1, 1, 0]))).toBe("ok");
  });
});

/** A batch of records of these bytes. */
function batchOf(body: number[], count = 1): Uint8Array {
  const batch = new Uint8Array(61 + body.length);
  batch.set(encodeBatch([record(0)]).subarray(0, 61));
  batch.set(body, 61);
  const view = new DataView(batch.buffer);
  view.setInt32(8, batch.length - 12);
  view.setInt32(23, count - 1);
  view.setInt32(57, count);
  stampCrc(batch, 0, crc32c);
  return batch;
}

describe("compression", () => {
  const flip = (_: number, bytes: Uint8Array) => bytes.map((byte) => byte ^ 255);
  const batch = encodeBatch([record(0)], { compression: 4, compress: flip });
  const failing = (code: string) => ({
    decompress: () => {
      throw Object.assign(new Error(code), { code });
    },
  });

  it("checks the records of a compressed batch", () => {
    expect(verdict(batch, { decompress: flip })).toBe("ok");
    expect(verdict(batch, { decompress: (_, bytes) => bytes })).toBe("invalid");
  });

  it("turns the codec's errors into verdicts, and rethrows bugs", () => {
    expect(verdict(batch, { zstdAllowed: false })).toBe("unsupported-compression");
    expect(verdict(batch, failing("TARPAN_DECOMPRESSION_LIMIT"))).toBe("too-large");
    expect(verdict(batch, failing("TARPAN_DECOMPRESSION_FAILED"))).toBe("invalid");
    expect(verdict(batch, failing("TARPAN_CODEC_UNAVAILABLE"))).toBe("unsupported-compression");
    expect(() => verdict(batch, failing("ENOENT"))).toThrow("ENOENT");
  });
});
