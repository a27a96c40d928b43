import { decompress } from "@tarpan/codecs";
import { type DecodedRecord, decodeBatches, encodeBatch } from "@tarpan/protocol";
import { CleaningHere } from "../../src/log/compaction/cleaning-work.ts";
import type { CompactionRequest } from "../../src/log/compaction/compactor.ts";
import type { Log, ReadableLog } from "../../src/log/log.ts";
import { goOn } from "../../src/util/next-turn.ts";
import { readAll } from "./batches.ts";

const text = new TextEncoder();

/** What a run needs to know, for a clock that begins at 0. */
export function requestOf(overrides: Partial<CompactionRequest> = {}): CompactionRequest {
  return {
    ...{ slots: 10_000, loadFactor: 0.9, seed: 7, nowMs: 1_000_000, deleteRetentionMs: 1000 },
    producers: new Float64Array(0),
    minLagMs: 0,
    upTo: Number.POSITIVE_INFINITY,
    work: new CleaningHere(goOn),
    throttle: async () => {},
    isWanted: () => true,
    ...overrides,
  };
}

export function compact(log: Log, overrides: Partial<CompactionRequest> = {}) {
  return log.compactor!.compact(requestOf(overrides));
}

/** `value: null` is a tombstone. */
export interface Pair {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp?: number;
}

export function batchWith(
  pairs: readonly Pair[],
  fields: Parameters<typeof encodeBatch>[1] = {},
): Uint8Array {
  const records = pairs.map(({ key, value, timestamp = 1000 }) => ({
    key: key === null ? null : text.encode(key),
    value: value === null ? null : text.encode(value),
    timestamp,
  }));
  return encodeBatch(records, fields);
}

export interface Found {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/** Every record of the log, in order. */
export async function recordsOf(log: ReadableLog, maxBytes = 1 << 20): Promise<Found[]> {
  const batches = await readAll(log, maxBytes);
  const found: Found[] = [];
  for (const batch of decodeBatches(batches, { decompress })) {
    for (const record of batch.records()) found.push(foundIn(record));
  }
  return found;
}

function foundIn({ offset, key, value, timestamp }: DecodedRecord): Found {
  const decoded = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);
  return { offset, key: decoded(key), value: decoded(value), timestamp };
}
