import { batchSizeAt, LOG_OVERHEAD, viewOf } from "@tarpan/protocol";
import { LogError } from "../log-error.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

/**
 * Reads a whole segment in chunks of whole batches, each at most `chunkBytes` unless a single batch
 * is larger. Only the batches' lengths are looked at. Each chunk has a buffer of its own.
 */
export async function* batchChunks(
  store: Store,
  segment: Segment,
  chunkBytes: number,
): AsyncGenerator<Uint8Array> {
  const end = segment.sizeBytes;
  let wanted = chunkBytes;
  for (let position = 0; position < end; ) {
    const bytes = await read(store, segment, position, Math.min(wanted, end - position));
    const { wholeBytes, nextBytes } = wholeBatches(bytes);
    if (wholeBytes > 0) {
      yield bytes.subarray(0, wholeBytes);
      position += wholeBytes;
      wanted = chunkBytes;
      continue;
    }
    if (nextBytes <= bytes.byteLength || position + nextBytes > end) {
      const what = `segment ${segment.name} is damaged at position ${position}`;
      throw new LogError("corrupt", what);
    }
    wanted = nextBytes;
  }
}

async function read(
  store: Store,
  segment: Segment,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  const count = await store.files.use(segment.logPath, (file) => file.read(bytes, position));
  return bytes.subarray(0, count);
}

/** The bytes of whole batches, and the size of the first one that is cut off (0: unknown). */
function wholeBatches(bytes: Uint8Array): { wholeBytes: number; nextBytes: number } {
  const view = viewOf(bytes);
  let at = 0;
  while (at + LOG_OVERHEAD <= bytes.byteLength) {
    const sizeBytes = batchSizeAt(view, at);
    if (sizeBytes < LOG_OVERHEAD || at + sizeBytes > bytes.byteLength)
      return { wholeBytes: at, nextBytes: sizeBytes };
    at += sizeBytes;
  }
  return { wholeBytes: at, nextBytes: 0 };
}
