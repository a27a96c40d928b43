import { NO_TIMESTAMP } from "./batch-header.ts";
import type { PlainRecords } from "./decompress.ts";
import { cursor, readVarint, readVarlong } from "./varint.ts";

export interface KeptRecords {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** -1 when no record is kept. */
  readonly maxTimestamp: number;
}

/**
 * Copies those of `count` plain, validated records whose index is not `dropped`. They keep their
 * offset and timestamp deltas.
 */
export function keepRecords(
  { bytes, start, end }: PlainRecords,
  count: number,
  baseTimestamp: number,
  dropped: { readonly size: number; has(index: number): boolean },
): KeptRecords {
  const out = new Uint8Array(end - start);
  let maxTimestamp = NO_TIMESTAMP;
  let to = 0;
  let from = start;
  for (let index = 0; index < count; index++) {
    const length = readVarint(bytes, from, end);
    const body = cursor.at;
    const next = body + length;
    if (!dropped.has(index)) {
      maxTimestamp = Math.max(maxTimestamp, baseTimestamp + readVarlong(bytes, body + 1, end));
      out.set(bytes.subarray(from, next), to);
      to += next - from;
    }
    from = next;
  }
  return { bytes: out.subarray(0, to), count: count - dropped.size, maxTimestamp };
}
