import { batchSizeAt, LOG_OVERHEAD, viewOf } from "@tarpan/protocol";
import { COMPACTION_CHUNK_BYTES } from "../limits.ts";
import { LogError } from "../log-error.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

/** The memory of chunks that are no longer needed, which the next ones are read into. */
export class ChunkMemory {
  readonly #free: ArrayBuffer[] = [];

  take(length: number): Uint8Array {
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= length);
    const [found] = at === -1 ? [] : this.#free.splice(at, 1);
    return new Uint8Array(found ?? newBuffer(length), 0, length);
  }

  give({ buffer }: Uint8Array): void {
    const isUseful = buffer.byteLength >= COMPACTION_CHUNK_BYTES && this.#free.length < 2;
    if (isUseful) this.#free.push(buffer as ArrayBuffer);
  }
}

/** Not a part of a larger buffer, because it will be given to a thread. */
function newBuffer(length: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(Math.max(length, COMPACTION_CHUNK_BYTES)).buffer as ArrayBuffer;
}

/**
 * Reads a whole segment in chunks of whole batches, each at most COMPACTION_CHUNK_BYTES unless a
 * single batch is larger. Only the batches' lengths are looked at. The next chunk is read while one
 * is worked on.
 */
export async function* batchChunks(
  store: Store,
  segment: Segment,
  memory: ChunkMemory,
): AsyncGenerator<Uint8Array> {
  const end = segment.sizeBytes;
  const readAt = (position: number, wanted: number) => {
    const reading = read(store, segment, position, memory.take(Math.min(wanted, end - position)));
    // Its failure is met when the chunk is needed.
    reading.catch(() => {});
    return reading;
  };
  for (let position = 0, next = readAt(0, COMPACTION_CHUNK_BYTES); position < end; ) {
    const bytes = await next;
    const { wholeBytes, nextBytes } = wholeBatches(bytes);
    if (wholeBytes > 0) {
      position += wholeBytes;
      if (position < end) next = readAt(position, COMPACTION_CHUNK_BYTES);
      yield bytes.subarray(0, wholeBytes);
      continue;
    }
    if (nextBytes <= bytes.byteLength || position + nextBytes > end) {
      const what = `segment ${segment.name} is damaged at position ${position}`;
      throw new LogError("corrupt", what);
    }
    next = readAt(position, nextBytes);
  }
}

async function read(
  store: Store,
  segment: Segment,
  position: number,
  into: Uint8Array,
): Promise<Uint8Array> {
  const count = await store.files.use(segment.logPath, (file) => file.read(into, position));
  return into.subarray(0, count);
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
