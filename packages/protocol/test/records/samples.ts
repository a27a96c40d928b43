import fc from "fast-check";
import {
  type BatchRules,
  crc32c,
  encodeBatch,
  type RecordInput,
  stampCrc,
} from "../../src/records/index.ts";

export const NOW = 1_700_000_000_000;

/** Rules of an ordinary topic with Kafka's defaults. */
export const RULES: BatchRules = {
  crc32c,
  decompress: (codec) => {
    throw new Error(`no codec ${codec} in this test`);
  },
  maxBatchBytes: 1_048_588,
  maxDecompressedBytes: 1_048_576,
  compacted: false,
  zstdAllowed: true,
  timestampType: "CreateTime",
  now: NOW,
  timestampBeforeMaxMs: 2 ** 63,
  timestampAfterMaxMs: 3_600_000,
};

export const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));

export function record(index: number, fields: Partial<RecordInput> = {}): RecordInput {
  return {
    key: text(`k${index}`),
    value: text(`value ${index}`),
    timestamp: NOW + index,
    ...fields,
  };
}

/** A batch of three records, changed by `change`, with a correct CRC. */
export function changed(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = encodeBatch([record(0), record(1), record(2)]);
  change(bytes, new DataView(bytes.buffer));
  stampCrc(bytes, 0, crc32c);
  return bytes;
}

const field = fc.option(fc.uint8Array({ maxLength: 200 }));

/** Records as a client may send them: timestamps in any order and far apart, or none. */
export const recordsArbitrary: fc.Arbitrary<RecordInput[]> = fc.array(
  fc.record({
    key: field,
    value: field,
    timestamp: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: NOW })),
    headers: fc.array(fc.record({ key: fc.string({ unit: "grapheme" }), value: field }), {
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 300 },
);
