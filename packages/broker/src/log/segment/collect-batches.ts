import { BATCH_OVERHEAD, baseOffsetAt, viewOf } from "@tarpan/protocol";
import type { File } from "../../env/env.ts";
import { COLD_READ_BYTES, HEADER_CHUNK_BYTES } from "../limits.ts";
import { BatchScanner } from "./batch-scanner.ts";

/** Where a batch begins. An index entry tells only the batch's last offset, not its base offset. */
export interface IndexedPosition {
  readonly position: number;
  readonly baseOffset: number | null;
  readonly lastOffset: number | null;
}

export interface ReadRequest {
  readonly offset: number;
  readonly maxBytes: number;
  readonly upTo: number;
}

export interface Found {
  readonly batches: Uint8Array[];
  /** Where reading ended: at a batch, at damage, or at the end of the segment. */
  readonly position: number;
  readonly offset: number | null;
  /** Whether damaged or missing batches ended the reading, rather than `maxBytes` or `upTo`. */
  readonly isDamaged: boolean;
  /** Whether already the first batch was not as expected. */
  readonly stoppedAtOnce: boolean;
  /** Where to search after damage: one past the last batch's start, as its length may be wrong. */
  readonly suspectPosition: number;
  readonly suspectOffset: number;
}

/** Collects intact batches, beginning with the one that holds the wanted offset. */
export async function collectBatches(
  file: File,
  from: IndexedPosition,
  end: number,
  { offset, maxBytes, upTo }: ReadRequest,
): Promise<Found> {
  const limitBytes = Math.min(maxBytes, COLD_READ_BYTES);
  const chunkBytes = Math.max(limitBytes, HEADER_CHUNK_BYTES);
  const scanner = new BatchScanner(file, from.position, end, chunkBytes);
  const batches: Uint8Array[] = [];
  let expected = from.baseOffset;
  let left = limitBytes;
  let suspectPosition = from.position;
  let suspectOffset = from.baseOffset ?? 0;
  let passed = 0;
  let isDamaged = false;
  for (;;) {
    const isMissingBytes = batches.length > 0 && !scanner.holds(BATCH_OVERHEAD);
    if (isMissingBytes || (expected !== null && expected >= upTo)) break;
    const step = await scanner.look(expected);
    const isUnexpected =
      expected === null && from.lastOffset !== null && scanner.nextOffset - 1 !== from.lastOffset;
    isDamaged = step !== "batch" || isUnexpected;
    if (isDamaged || scanner.baseOffset >= upTo) break;
    if (scanner.nextOffset > offset) {
      left -= scanner.sizeBytes;
      if (batches.length > 0 && (left < 0 || !scanner.holds(scanner.sizeBytes))) break;
      const bytes = await scanner.intact();
      if (bytes === null) {
        isDamaged = true;
        suspectPosition = scanner.position + 1;
        suspectOffset = scanner.baseOffset + 1;
        expected = scanner.baseOffset;
        break;
      }
      batches.push(bytes);
    }
    suspectPosition = scanner.position + 1;
    suspectOffset = scanner.baseOffset + 1;
    expected = scanner.nextOffset;
    passed += 1;
    scanner.advance();
  }
  return {
    batches,
    position: scanner.position,
    offset: expected,
    isDamaged,
    stoppedAtOnce: passed === 0,
    suspectPosition,
    suspectOffset,
  };
}

/** The part of what was found for one reader that another may have; at least one batch. */
export function upToLimits(found: Found, { maxBytes, upTo }: ReadRequest): Found {
  const { batches } = found;
  let left = maxBytes;
  let count = 0;
  for (; count < batches.length; count++) {
    left -= batches[count]!.byteLength;
    if (count > 0 && left < 0) break;
    if (upTo < found.offset! && baseOffsetAt(viewOf(batches[count]!), 0) >= upTo) break;
  }
  if (count === batches.length) return found;
  let { position } = found;
  for (let i = count; i < batches.length; i++) position -= batches[i]!.byteLength;
  const offset = baseOffsetAt(viewOf(batches[count]!), 0);
  return { ...found, batches: batches.slice(0, count), position, offset };
}
