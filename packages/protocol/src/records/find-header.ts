import type { PlainRecords } from "./decompress.ts";
import { cursor, readVarint, readVarlong } from "./varint.ts";

/** The value is a view of the records. */
export type FoundHeader = (value: Uint8Array | null, index: number, offsetDelta: number) => void;

/**
 * Calls `found` for each header named `name` (in UTF-8) of `count` plain, validated records, with
 * the index and the offset delta of its record.
 */
export function findHeader(
  { bytes, start, end }: PlainRecords,
  count: number,
  name: Uint8Array,
  found: FoundHeader,
): void {
  let at = start;
  for (let index = 0; index < count; index++) {
    const length = readVarint(bytes, at, end);
    const next = cursor.at + length;
    readVarlong(bytes, cursor.at + 1, end);
    const offsetDelta = readVarint(bytes, cursor.at, end);
    const keyBytes = readVarint(bytes, cursor.at, end);
    const valueBytes = readVarint(bytes, cursor.at + Math.max(0, keyBytes), end);
    const headers = readVarint(bytes, cursor.at + Math.max(0, valueBytes), end);
    at = cursor.at;
    for (let n = 0; n < headers; n++) {
      const nameBytes = readVarint(bytes, at, end);
      const nameAt = cursor.at;
      const size = readVarint(bytes, nameAt + nameBytes, end);
      const valueAt = cursor.at;
      at = valueAt + Math.max(0, size);
      if (nameBytes !== name.byteLength || !isAt(bytes, nameAt, name)) continue;
      found(size < 0 ? null : bytes.subarray(valueAt, at), index, offsetDelta);
    }
    at = next;
  }
}

/** Whether the bytes at `at` are those of `name`. */
export function isAt(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.byteLength; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}
