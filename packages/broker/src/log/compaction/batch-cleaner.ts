// Compaction of record batches, as bytes: first the keys of the dirty batches are noted, then all
// batches are filtered by what was noted (Kafka's Cleaner and MemoryRecords.filterTo).
//
// 1. No record changes its offset, and no batch its first and last offset or its sequences.
// 2. The offsets of batches that are removed are covered by an empty batch, which has the leader
//    epoch of the first of them: batches still begin where the previous one ended, so that lost
//    batches are noticed, and the history of leader epochs can be read from the log (ADR 34).
// 3. Damage stops the work: nothing is removed because of, or written from, bytes that are not
//    intact.
import { compress, crc32c, decompress } from "@tarpan/codecs";
import {
  BATCH_OVERHEAD,
  type BatchHeader,
  batchCrcMatches,
  emptyBatch,
  MAGIC_V2,
  RecordWalk,
  readBatchHeader,
  recordsField,
  shiftTimestamps,
  withoutRecords,
  withRecords,
} from "@tarpan/protocol";
import { MAX_CLEANED_BATCH_BYTES } from "../limits.ts";
import { LogError } from "../log-error.ts";
import { KeyOffsets } from "./key-offsets.ts";

/** What a run of compaction needs to know from its beginning. */
export interface CleaningRun {
  /** Keys that can be noted: KEY_BYTES of memory each. */
  readonly slots: number;
  readonly loadFactor: number;
  readonly seed: number;
  /** Records before it were compacted in earlier runs. */
  readonly firstDirtyOffset: number;
  readonly nowMs: number;
  /** How long a tombstone stays after the first run that met it, ms. `delete.retention.ms`. */
  readonly deleteRetentionMs: number;
  /** The id of each active producer, followed by the last offset that it wrote. */
  readonly producers: Float64Array;
}

/** Where the noting of keys has arrived. */
export interface Noted {
  /** Every key below this offset is noted. */
  readonly nextOffset: number;
  /** Whether there was no room for another key. */
  readonly isFull: boolean;
  readonly keys: number;
  /** The chunk, given back: its memory may be used again. */
  readonly bytes: Uint8Array;
}

export interface Filtered {
  readonly nextOffset: number;
  /** The batches that are left, one after another; in the memory of the chunk if they fit. */
  readonly bytes: Uint8Array;
  /** Whether a batch was removed or rewritten. */
  readonly isChanged: boolean;
}

/** Offsets of removed batches, which the next empty batch covers. */
interface Gap {
  baseOffset: number;
  lastOffset: number;
  leaderEpoch: number;
}

const MAX_OFFSET_DELTA = 2 ** 31 - 1;

export class BatchCleaner {
  readonly #run: CleaningRun;
  readonly #keys: KeyOffsets;
  readonly #lastOffsets = new Map<number, number>();
  readonly #walk = new RecordWalk();
  /** Every key from `firstDirtyOffset` to here is noted. */
  #notedEnd: number;
  #gap: Gap | null = null;

  constructor(run: CleaningRun) {
    this.#run = run;
    this.#keys = new KeyOffsets(run.slots, run.loadFactor, run.seed);
    this.#notedEnd = run.firstDirtyOffset;
    for (let i = 0; i < run.producers.length; i += 2)
      this.#lastOffsets.set(run.producers[i]!, run.producers[i + 1]!);
  }

  /** Notes the keys of a chunk of whole batches, the first of which begins at `baseOffset`. */
  note(chunk: Uint8Array, baseOffset: number): Noted {
    let nextOffset = baseOffset;
    for (let at = 0; at < chunk.byteLength; ) {
      const header = intactHeader(chunk, at, nextOffset);
      const batch = chunk.subarray(at, at + header.sizeBytes);
      if (!orCorrupt(header, () => this.#noteBatch(batch, header)))
        return this.#noted(chunk, nextOffset, true);
      nextOffset = header.lastOffset + 1;
      this.#notedEnd = Math.max(this.#notedEnd, nextOffset);
      at += header.sizeBytes;
    }
    return this.#noted(chunk, nextOffset, false);
  }

  #noted(bytes: Uint8Array, nextOffset: number, isFull: boolean): Noted {
    return { nextOffset, isFull, keys: this.#keys.size, bytes };
  }

  /** Filters a chunk of whole batches, the first of which begins at `baseOffset`. */
  filter(chunk: Uint8Array, baseOffset: number): Filtered {
    const kept: Uint8Array[] = [];
    let nextOffset = baseOffset;
    let isChanged = false;
    for (let at = 0; at < chunk.byteLength; ) {
      const header = intactHeader(chunk, at, nextOffset);
      const batch = chunk.subarray(at, at + header.sizeBytes);
      const left = orCorrupt(header, () => this.#filterBatch(batch, header));
      if (left === null) this.#cover(header, kept);
      else kept.push(...this.#endGap(), left);
      if (left !== batch && !isCover(header)) isChanged = true;
      nextOffset = header.lastOffset + 1;
      at += header.sizeBytes;
    }
    return { nextOffset, bytes: joinedIn(chunk, kept), isChanged };
  }

  /** What has to be written after the last chunk of a file. */
  finishFile(): Uint8Array {
    return joined(this.#endGap());
  }

  /** False when there is no room for one of the keys. */
  #noteBatch(batch: Uint8Array, header: BatchHeader): boolean {
    const { firstDirtyOffset } = this.#run;
    if (isOfTransaction(header) || header.lastOffset < firstDirtyOffset) return true;
    const walk = this.#walkOf(batch, header);
    while (walk.next()) {
      const offset = header.baseOffset + walk.offsetDelta;
      if (walk.keyStart < 0 || offset < firstDirtyOffset) continue;
      if (!this.#keys.put(walk.bytes, walk.keyStart, walk.keyEnd, offset)) return false;
    }
    return true;
  }

  /** The batch as it shall be, null when nothing of it is left. */
  #filterBatch(batch: Uint8Array, header: BatchHeader): Uint8Array | null {
    if (isOfTransaction(header) || header.baseOffset >= this.#notedEnd) return batch;
    const walk = this.#walkOf(batch, header);
    const kept = new KeptRanges();
    while (walk.next()) {
      if (this.#isKept(walk, header)) kept.add(walk);
    }
    if (kept.count === 0) return this.#isLastOfProducer(header) ? emptied(batch, header) : null;
    const setsHorizon = kept.hasTombstone && !header.hasDeleteHorizon;
    if (kept.count === header.recordCount && !setsHorizon) return batch;
    return this.#rewritten(batch, header, kept, walk.bytes, setsHorizon);
  }

  #isKept(walk: RecordWalk, header: BatchHeader): boolean {
    const offset = header.baseOffset + walk.offsetDelta;
    if (offset >= this.#notedEnd) return true;
    // A compacted topic takes no records without a key; these are from before it was compacted.
    if (walk.keyStart < 0) return false;
    if (this.#keys.get(walk.bytes, walk.keyStart, walk.keyEnd) > offset) return false;
    const hasExpired = header.hasDeleteHorizon && header.baseTimestamp <= this.#run.nowMs;
    return !walk.isTombstone || !hasExpired;
  }

  #isLastOfProducer({ producerId, lastOffset }: BatchHeader): boolean {
    return producerId >= 0 && this.#lastOffsets.get(producerId) === lastOffset;
  }

  #rewritten(
    batch: Uint8Array,
    header: BatchHeader,
    kept: KeptRanges,
    source: Uint8Array,
    setsHorizon: boolean,
  ): Uint8Array {
    const { nowMs, deleteRetentionMs } = this.#run;
    const deleteHorizonMs = setsHorizon ? nowMs + deleteRetentionMs : null;
    let records = kept.copyFrom(source);
    if (deleteHorizonMs !== null) {
      records = shiftTimestamps(records, kept.count, header.baseTimestamp - deleteHorizonMs);
    }
    const { compression } = header;
    const body = compression === 0 ? records : compress(compression, records);
    const maxTimestamp = header.baseTimestamp + kept.maxTimestampDelta;
    return withRecords(batch, { count: kept.count, body, maxTimestamp, deleteHorizonMs }, crc32c);
  }

  #walkOf(batch: Uint8Array, header: BatchHeader): RecordWalk {
    const field = recordsField(batch, header, decompress, MAX_CLEANED_BATCH_BYTES);
    this.#walk.begin(field.bytes, field.start, field.end, header.recordCount);
    return this.#walk;
  }

  /** Notes that the offsets of a batch have to be covered by an empty one. */
  #cover({ baseOffset, lastOffset, leaderEpoch }: BatchHeader, kept: Uint8Array[]): void {
    const gap = this.#gap;
    const fits = gap !== null && lastOffset - gap.baseOffset <= MAX_OFFSET_DELTA;
    if (fits && gap.leaderEpoch === leaderEpoch) {
      gap.lastOffset = lastOffset;
      return;
    }
    kept.push(...this.#endGap());
    this.#gap = { baseOffset, lastOffset, leaderEpoch };
  }

  #endGap(): Uint8Array[] {
    const gap = this.#gap;
    this.#gap = null;
    return gap === null ? [] : [emptyBatch(gap, crc32c)];
  }
}

/** Adjacent records that are kept are copied as one range. */
class KeptRanges {
  count = 0;
  hasTombstone = false;
  maxTimestampDelta = Number.NEGATIVE_INFINITY;
  readonly #ranges: number[] = [];
  #bytes = 0;

  add({ start, end, isTombstone, timestampDelta }: RecordWalk): void {
    const ranges = this.#ranges;
    if (ranges[ranges.length - 1] === start) ranges[ranges.length - 1] = end;
    else ranges.push(start, end);
    this.#bytes += end - start;
    this.count += 1;
    if (isTombstone) this.hasTombstone = true;
    if (timestampDelta > this.maxTimestampDelta) this.maxTimestampDelta = timestampDelta;
  }

  copyFrom(source: Uint8Array): Uint8Array {
    const out = new Uint8Array(this.#bytes);
    let to = 0;
    for (let i = 0; i < this.#ranges.length; i += 2) {
      const range = source.subarray(this.#ranges[i], this.#ranges[i + 1]);
      out.set(range, to);
      to += range.byteLength;
    }
    return out;
  }
}

/**
 * There are no transactions yet. Until it is known here which ones were aborted, what they wrote
 * stays, with its markers, and replaces nothing.
 */
function isOfTransaction({ isControl, isTransactional }: BatchHeader): boolean {
  return isControl || isTransactional;
}

/** Whether the batch only covers the offsets of removed ones. */
function isCover({ recordCount, producerId }: BatchHeader): boolean {
  return recordCount === 0 && producerId < 0;
}

function emptied(batch: Uint8Array, header: BatchHeader): Uint8Array {
  return header.recordCount === 0 ? batch : withoutRecords(batch, crc32c);
}

/** Throws when the bytes at `at` are no intact batch that begins at `baseOffset`. */
function intactHeader(chunk: Uint8Array, at: number, baseOffset: number): BatchHeader {
  const isThere = chunk.byteLength - at >= BATCH_OVERHEAD;
  const header = isThere ? readBatchHeader(chunk, at) : null;
  const isWhole =
    header !== null &&
    header.magic === MAGIC_V2 &&
    header.baseOffset === baseOffset &&
    header.sizeBytes >= BATCH_OVERHEAD &&
    at + header.sizeBytes <= chunk.byteLength &&
    batchCrcMatches(chunk, at, header.sizeBytes, crc32c);
  if (!isWhole) throw new LogError("corrupt", `the batch at offset ${baseOffset} is damaged`);
  return header;
}

/** Runs `work` on a batch, whose CRC is right: only its records may still be unreadable. */
function orCorrupt<T>({ baseOffset }: BatchHeader, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    // An error of the decoder or of a codec has a code; any other is a bug.
    if (!(cause instanceof Error) || !("code" in cause)) throw cause;
    const what = `the batch at offset ${baseOffset} is damaged: ${cause.message}`;
    throw new LogError("corrupt", what, { cause });
  }
}

/**
 * Joins pieces in the memory of `chunk`, of which most of them are parts, in order: new memory for
 * each chunk would be collected late, because the heap of the thread hardly grows.
 */
function joinedIn(chunk: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array {
  let to = 0;
  for (const piece of pieces) {
    const isPart = piece.buffer === chunk.buffer;
    // What comes before this piece would be written over it.
    if (isPart && piece.byteOffset - chunk.byteOffset < to) return joined(pieces);
    to += piece.byteLength;
  }
  if (to > chunk.byteLength) return joined(pieces);
  return copiedTo(chunk.subarray(0, to), pieces);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  let sizeBytes = 0;
  for (const piece of pieces) sizeBytes += piece.byteLength;
  return copiedTo(new Uint8Array(sizeBytes), pieces);
}

function copiedTo(out: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array {
  let to = 0;
  for (const piece of pieces) {
    out.set(piece, to);
    to += piece.byteLength;
  }
  return out;
}
