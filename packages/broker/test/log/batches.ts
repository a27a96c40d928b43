import { encodeBatch } from "@tarpan/protocol";
import type { Log, LogOptions, LogSegment, ReadableLog } from "../../src/log/log.ts";

export const OPTIONS: LogOptions = {
  segmentBytes: 1 << 30,
  segmentMs: 7 * 24 * 3600_000,
  indexIntervalBytes: 4096,
};

/** A batch of `count` records; `id` makes its keys and values unique. */
export function batchOf(id: number, { count = 1, valueBytes = 20, timestamp = 1000 + id } = {}) {
  const records = Array.from({ length: count }, (_, i) => ({
    timestamp,
    key: new TextEncoder().encode(`${id}:${i}`),
    value: new Uint8Array(valueBytes).fill(id),
    headers: [],
  }));
  return encodeBatch(records);
}

/** Reads all of a log from its start, asking for `maxBytes` at a time. */
export async function readAll(log: ReadableLog, maxBytes = 1 << 20): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  let offset = log.startOffset;
  while (offset < log.endOffset) {
    const batches = await log.read(offset, maxBytes);
    if (batches.length === 0) throw new Error(`nothing to read at ${offset}`);
    for (const batch of batches) {
      all.push(batch);
      offset = nextOffsetOf(batch);
    }
  }
  return all;
}

export function baseOffsetOf(batch: Uint8Array): number {
  return Number(new DataView(batch.buffer, batch.byteOffset).getBigInt64(0));
}

export function nextOffsetOf(batch: Uint8Array): number {
  return baseOffsetOf(batch) + new DataView(batch.buffer, batch.byteOffset).getInt32(23) + 1;
}

export async function segmentsOf(log: Log): Promise<LogSegment[]> {
  const segments: LogSegment[] = [];
  for await (const segment of log.segments()) segments.push(segment);
  return segments;
}
