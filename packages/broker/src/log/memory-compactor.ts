// Compaction of a log in memory, with the same filter of batches as on a disk. It has no segments:
// the newest batches, as many as the active segment of a disk would hold, are left alone.
import { batchSizeAt, lastOffsetAt, maxTimestampAt, viewOf } from "@tarpan/protocol";
import type {
  CompactionRequest,
  CompactionResult,
  Compactor,
  Dirt,
} from "./compaction/compactor.ts";
import { COMPACTION_CHUNK_BYTES } from "./limits.ts";
import type { LogOptions } from "./log.ts";
import { LogError } from "./log-error.ts";
import type { WrittenPart } from "./written-at.ts";

/** A batch of a log in memory. */
export interface MemoryEntry extends WrittenPart {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly maxTimestamp: number;
  readonly batch: Uint8Array;
}

/** The part of a log that is compacted; its entries are in place of the array's first ones. */
export interface MemoryEntries {
  readonly all: readonly MemoryEntry[];
  readonly options: Pick<LogOptions, "segmentBytes" | "segmentMs">;
  readonly isClosed: boolean;
  /** Puts `compacted` in the place of all entries before `endOffset`. */
  replaceBefore(endOffset: number, compacted: readonly MemoryEntry[]): void;
}

const NOTHING: CompactionResult = {
  ...{ readBytes: 0, writtenBytes: 0, freedBytes: 0, keys: 0, cleanedTo: 0 },
  isPartial: false,
};

export class MemoryCompactor implements Compactor {
  readonly #entries: MemoryEntries;
  #firstDirtyOffset = 0;

  constructor(entries: MemoryEntries) {
    this.#entries = entries;
  }

  async measure(minLagMs: number, nowMs: number): Promise<Dirt | null> {
    const { before, dirty } = this.#partsOf(minLagMs, nowMs);
    if (dirty.length === 0) return null;
    const oldestMs = dirty[0]!.maxTimestamp;
    return {
      cleanBytes: bytesOf(before),
      dirtyBytes: bytesOf(dirty),
      oldestMs: oldestMs < 0 ? null : oldestMs,
    };
  }

  async compact(request: CompactionRequest): Promise<CompactionResult> {
    const { work, loadFactor, seed, nowMs, deleteRetentionMs, producers, aborted } = request;
    const { before, dirty } = this.#partsOf(request.minLagMs, nowMs, request.upTo);
    if (dirty.length === 0) return NOTHING;
    const firstDirtyOffset = dirty[0]!.baseOffset;
    // There are no more keys than offsets.
    const offsets = dirty.at(-1)!.nextOffset - firstDirtyOffset;
    const slots = Math.min(request.slots, Math.ceil(offsets / loadFactor) + 1);
    const settings = { slots, loadFactor, seed, nowMs, deleteRetentionMs, producers, aborted };
    await work.begin({ ...settings, firstDirtyOffset });
    try {
      const { notedEnd, keys, isPartial } = await this.#note(dirty, request);
      const sources = [...before, ...dirty].filter(({ baseOffset }) => baseOffset < notedEnd);
      const compacted = await this.#filter(sources, request);
      this.#refuseWhenEnded(request);
      this.#entries.replaceBefore(notedEnd, compacted);
      this.#firstDirtyOffset = notedEnd;
      const [readBytes, writtenBytes] = [bytesOf(sources), bytesOf(compacted)];
      const freedBytes = readBytes - writtenBytes;
      return { readBytes, writtenBytes, freedBytes, keys, cleanedTo: notedEnd, isPartial };
    } finally {
      await work.end();
    }
  }

  /** What was compacted before, and what can be compacted now. */
  #partsOf(minLagMs: number, nowMs: number, upTo = Number.POSITIVE_INFINITY) {
    const { all, options } = this.#entries;
    const first = all.findIndex(({ baseOffset }) => baseOffset >= this.#firstDirtyOffset);
    const from = first === -1 ? all.length : first;
    let end = from;
    let segmentAt = from;
    let sizeBytes = 0;
    for (let i = from; i < all.length; i++) {
      const { batch, maxTimestamp, nextOffset } = all[i]!;
      if (nextOffset > upTo) break;
      const ageMs = maxTimestamp - all[segmentAt]!.maxTimestamp;
      if (minLagMs > 0 && maxTimestamp > nowMs - minLagMs) break;
      const isFull = sizeBytes > 0 && sizeBytes + batch.byteLength > options.segmentBytes;
      if (isFull || ageMs > options.segmentMs) {
        end = i;
        segmentAt = i;
        sizeBytes = 0;
      }
      sizeBytes += batch.byteLength;
    }
    return { before: all.slice(0, from), dirty: all.slice(from, end) };
  }

  async #note(dirty: readonly MemoryEntry[], request: CompactionRequest) {
    let notedEnd = dirty[0]!.baseOffset;
    let keys = 0;
    for (const { chunk, baseOffset } of chunksOf(dirty)) {
      this.#refuseWhenEnded(request);
      await request.throttle(chunk.byteLength);
      const noted = await request.work.note(chunk, baseOffset);
      notedEnd = noted.nextOffset;
      keys = noted.keys;
      if (!noted.isFull) continue;
      if (notedEnd > dirty[0]!.baseOffset) return { notedEnd, keys, isPartial: true };
      const what = `the keys of the batch at offset ${notedEnd} need more memory than`;
      throw new LogError("busy", `${what} log.cleaner.dedupe.buffer.size allows: raise it`);
    }
    return { notedEnd, keys, isPartial: false };
  }

  async #filter(sources: readonly MemoryEntry[], request: CompactionRequest) {
    const kept: MemoryEntry[] = [];
    for (const { chunk, baseOffset } of chunksOf(sources)) {
      this.#refuseWhenEnded(request);
      await request.throttle(chunk.byteLength);
      addEntries(kept, (await request.work.filter(chunk, baseOffset)).bytes, sources);
    }
    addEntries(kept, await request.work.finishFile(), sources);
    return kept;
  }

  #refuseWhenEnded({ isWanted }: CompactionRequest): void {
    if (this.#entries.isClosed || !isWanted())
      throw new LogError("closed", "compaction was ended: it is no longer wanted");
  }
}

/** Copies, because the work keeps what it gets, and readers may have the batches. */
function* chunksOf(entries: readonly MemoryEntry[]) {
  for (let i = 0; i < entries.length; ) {
    const { baseOffset } = entries[i]!;
    const pieces: Uint8Array[] = [];
    for (let bytes = 0; i < entries.length && bytes < COMPACTION_CHUNK_BYTES; i++) {
      pieces.push(entries[i]!.batch);
      bytes += entries[i]!.batch.byteLength;
    }
    const chunk = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
    let at = 0;
    for (const piece of pieces) {
      chunk.set(piece, at);
      at += piece.byteLength;
    }
    yield { chunk, baseOffset };
  }
}

/** Adds the batches in `bytes`; each was written when the last one that it covers was. */
function addEntries(kept: MemoryEntry[], bytes: Uint8Array, sources: readonly MemoryEntry[]): void {
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + batchSizeAt(view, at);
    const nextOffset = lastOffsetAt(view, at) + 1;
    kept.push({
      baseOffset: kept.at(-1)?.nextOffset ?? sources[0]!.baseOffset,
      nextOffset,
      maxTimestamp: maxTimestampAt(view, at),
      writtenAtMs: writtenAt(sources, nextOffset),
      batch: bytes.slice(at, end),
    });
    at = end;
  }
}

function writtenAt(sources: readonly MemoryEntry[], nextOffset: number): number {
  let low = 0;
  let high = sources.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sources[middle]!.nextOffset >= nextOffset) high = middle;
    else low = middle + 1;
  }
  return sources[low]!.writtenAtMs;
}

function bytesOf(entries: readonly MemoryEntry[]): number {
  return entries.reduce((sum, { batch }) => sum + batch.byteLength, 0);
}
