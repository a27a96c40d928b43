import { type BatchHeader, readBatchHeader } from "@tarpan/protocol";
import type { ReadableLog } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import { SCAN_READ_BYTES } from "./limits.ts";

/** Shows every batch header from `offset` to the end of the log, in order. */
export async function scanBatches(
  log: ReadableLog,
  offset: number,
  visit: (header: BatchHeader) => void,
): Promise<void> {
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
        if (header.lastOffset >= position) visit(header);
        position = header.lastOffset + 1;
        at += header.sizeBytes;
      }
    }
    if (slices.length === 0) return;
  }
}

/** What can be read at `offset`, or the offset to go on from when the bytes there are damaged. */
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
