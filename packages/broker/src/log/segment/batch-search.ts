import { BATCH_OVERHEAD, int64At, MAGIC_AT, MAGIC_V2 } from "@tarpan/protocol";
import type { File } from "../../env/env.ts";
import { SCAN_CHUNK_BYTES } from "../limits.ts";
import { BatchScanner } from "./batch-scanner.ts";

export interface FoundBatch {
  readonly position: number;
  readonly baseOffset: number;
}

/**
 * Finds where reading can continue after damage: the first intact batch at or after position `from`
 * with a base offset from `minOffset` to `endOffset - 1`. `endOffset` is the segment's end,
 * Infinity when unknown. It tries every byte position, so it is slow.
 */
export async function findBatch(
  file: File,
  from: number,
  end: number,
  minOffset: number,
  endOffset: number,
): Promise<FoundBatch | null> {
  const chunk = new Uint8Array(Math.min(SCAN_CHUNK_BYTES, end - from));
  const view = new DataView(chunk.buffer);
  let chunkAt = from;
  while (chunkAt + BATCH_OVERHEAD <= end) {
    const count = await file.read(chunk.subarray(0, end - chunkAt), chunkAt);
    if (count < BATCH_OVERHEAD) return null;
    const candidates = count - BATCH_OVERHEAD + 1;
    for (let at = 0; at < candidates; at++) {
      if (chunk[at + MAGIC_AT] !== MAGIC_V2) continue;
      const baseOffset = int64At(view, at);
      if (baseOffset < minOffset || baseOffset >= endOffset) continue;
      const scanner = new BatchScanner(file, chunkAt + at, end, 0);
      if ((await scanner.look(null)) !== "batch" || (await scanner.intact()) === null) continue;
      if (await isConfirmed(scanner, endOffset)) return { position: chunkAt + at, baseOffset };
    }
    chunkAt += candidates;
  }
  return null;
}

/**
 * The CRC does not cover the base offset. After damage the previous batch cannot confirm it, so the
 * next batch, or the end of the segment, must begin at the offset that follows from it.
 */
async function isConfirmed(scanner: BatchScanner, endOffset: number): Promise<boolean> {
  const { nextOffset } = scanner;
  scanner.advance();
  const next = await scanner.look(nextOffset);
  if (next !== "end") return next === "batch" && nextOffset < endOffset;
  return nextOffset === endOffset || endOffset === Number.POSITIVE_INFINITY;
}
