import type { PlainRecords } from "./decompress.ts";
import { cursor, readVarint, readVarlong, sizeOfVarint, writeVarint } from "./varint.ts";

/** Most bytes that a record can grow by: four for its offset delta, one for its length. */
const MAX_GROWTH_BYTES = 5;

/**
 * Copies the `count` plain records in [start, end), which must be validated, with offset deltas
 * 0 to count − 1.
 */
export function renumberRecords({ bytes, start, end }: PlainRecords, count: number): Uint8Array {
  const out = new Uint8Array(end - start + count * MAX_GROWTH_BYTES);
  let from = start;
  let to = 0;
  const copy = (first: number, past: number) => {
    out.set(bytes.subarray(first, past), to);
    to += past - first;
  };
  for (let index = 0; index < count; index++) {
    const length = readVarint(bytes, from, end);
    const body = cursor.at;
    from = body + length;
    readVarlong(bytes, body + 1, end);
    const delta = cursor.at;
    readVarint(bytes, delta, end);
    const rest = cursor.at;
    to = writeVarint(out, to, length - (rest - delta) + sizeOfVarint(index));
    copy(body, delta);
    to = writeVarint(out, to, index);
    copy(rest, from);
  }
  return out.subarray(0, to);
}
