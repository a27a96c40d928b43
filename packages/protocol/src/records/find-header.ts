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
      at = readHeader(bytes, at, end, name);
      if (readValue.isNamed) found(readValue.value, index, offsetDelta);
    }
    at = next;
  }
}

/** What `readHeader` read last. Kept outside, so that no header allocates an object. */
export const readValue: { isNamed: boolean; value: Uint8Array | null } = {
  ...{ isNamed: false, value: null },
};

/** Reads one header; returns the position after it. Its value is a view, only if it is `name`'s. */
export function readHeader(bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  const nameBytes = readVarint(bytes, at, end);
  const nameAt = cursor.at;
  const size = readVarint(bytes, nameAt + nameBytes, end);
  const valueAt = cursor.at;
  const next = valueAt + Math.max(0, size);
  readValue.isNamed = nameBytes === name.byteLength && isAt(bytes, nameAt, name);
  readValue.value = readValue.isNamed && size >= 0 ? bytes.subarray(valueAt, next) : null;
  return next;
}

/** From the end: the names of one system's headers often begin alike. */
function isAt(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = name.byteLength - 1; i >= 0; i--) if (bytes[at + i] !== name[i]) return false;
  return true;
}
