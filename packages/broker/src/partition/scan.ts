import { type BatchHeader, readBatchHeader } from "@tarpan/protocol";
import type { ReadableLog } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import { SCAN_READ_BYTES } from "./limits.ts";

/**
 * Calls `visit` with each batch from `offset` to the end of the log: its header, and where it is.
 * Skips damage. Resolves to the offset at which it ended.
 */
export async function scanBatches(
  log: ReadableLog,
  offset: number,
  visit: (header: BatchHeader, slice: Uint8Array, at: number) => void,
): Promise<number> {
  let position = Math.max(offset, log.startOffset);
  while (position < log.endOffset) {
    const slices = await readPast(log, position);
    if (typeof slices === "number") {
      position = slices;
      continue;
    }
    for (const slice of slices) {
      for (let at = 0; at < slice.byteLength; ) {
        const header = readBatchHeader(slice, at);
        if (header.lastOffset >= position) visit(header, slice, at);
        position = header.lastOffset + 1;
        at += header.sizeBytes;
      }
    }
    if (slices.length === 0) break;
  }
  return position;
}

/** The batches at `offset`, or the offset at which to continue when they are damaged. */
async function readPast(log: ReadableLog, offset: number): Promise<readonly Uint8Array[] | number> {
  try {
    return await log.read(offset, SCAN_READ_BYTES);
  } catch (error) {
    if (error instanceof LogError && error.kind === "corrupt") {
      return error.resumeOffset ?? log.endOffset;
    }
    throw error;
  }
}
