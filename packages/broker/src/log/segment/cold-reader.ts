// Reads batches that are no longer in the memory tail.
//
// 1. Returned batches were checked: their offsets are contiguous and every CRC matches.
// 2. What was read ahead is answered only as far as the reader's own limits allow.
// 3. Damage makes exactly the offsets between the intact batches around it unreadable.
import { baseOffsetAt, nextOffsetAt, viewOf } from "@tarpan/protocol";
import type { File } from "../../env/env.ts";
import { reasonOf } from "../../util/os-error.ts";
import type { DamagedRange } from "../damaged-ranges.ts";
import { hasRecords } from "../has-records.ts";
import { COLD_READ_BYTES, HEADER_CHUNK_BYTES } from "../limits.ts";
import { LogError } from "../log-error.ts";
import type { MemoryTail } from "../memory-tail.ts";
import { findBatch } from "./batch-search.ts";
import {
  collectBatches,
  type Found,
  type IndexedPosition,
  type ReadRequest,
  upToLimits,
} from "./collect-batches.ts";
import type { LogState } from "./log-state.ts";
import { type ReadPosition, ReadPositions } from "./read-positions.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

export class ColdReader {
  readonly #store: Store;
  readonly #state: LogState;
  readonly #tail: MemoryTail;
  readonly #positions: ReadPositions;

  constructor(store: Store, state: LogState, tail: MemoryTail) {
    this.#store = store;
    this.#state = state;
    this.#tail = tail;
    this.#positions = new ReadPositions(store.readAhead);
  }

  async read(wanted: ReadRequest): Promise<Uint8Array[]> {
    const batches = await this.#read(wanted);
    return batches.some(hasRecords) ? batches : this.#readOn(batches, wanted);
  }

  /**
   * Goes on where all batches were emptied by compaction: some clients take such an answer for the
   * end of the log.
   */
  async #readOn(batches: Uint8Array[], wanted: ReadRequest): Promise<Uint8Array[]> {
    let sizeBytes = 0;
    for (let more = batches; !more.some(hasRecords) && sizeBytes < COLD_READ_BYTES; ) {
      for (const batch of more) sizeBytes += batch.byteLength;
      const last = batches.at(-1);
      const offset = last ? nextOffsetAt(viewOf(last), 0) : wanted.upTo;
      if (offset >= Math.min(wanted.upTo, this.#state.endOffset)) break;
      more = await this.#read({ ...wanted, offset }).catch(() => []);
      if (more.length === 0) break;
      // Compaction has joined what was read with what comes next, so that they overlap.
      if (baseOffsetAt(viewOf(more[0]!), 0) < offset) return this.read(wanted);
      batches.push(...more);
    }
    return batches;
  }

  async #read(wanted: ReadRequest): Promise<Uint8Array[]> {
    const state = this.#state;
    // `deleteBefore` may have moved it during an earlier part of the same read.
    if (wanted.offset < state.startOffset) throw outOfRange(state, wanted.offset);
    const at = state.indexOfSegmentAt(wanted.offset);
    const segment = state.segments[at]!;
    try {
      return await this.#readSegment(segment, state.endOfSegment(at), wanted);
    } catch (error) {
      // Compaction has replaced the segment during the read: read what is there now.
      if (segment.isReplaced) return this.#read(wanted);
      if (error instanceof LogError) throw error;
      // `deleteBefore` may have removed the segment during the read.
      if (wanted.offset < state.startOffset) throw outOfRange(state, wanted.offset);
      const message = `log ${state.name}: cannot read at ${wanted.offset}: ${reasonOf(error)}`;
      const nowMs = this.#store.env.clock.monotonicMs();
      if (state.isReadFailureNews(nowMs)) this.#store.report(message);
      throw new LogError("offline", message, { cause: error });
    }
  }

  async #readSegment(
    segment: Segment,
    segmentEnd: number,
    wanted: ReadRequest,
  ): Promise<Uint8Array[]> {
    this.#refuseDamaged(wanted.offset);
    const known = this.#positions.find(segment, wanted.offset);
    const ahead = await this.#takeAhead(known, wanted);
    if (ahead !== null) return this.#goOn(segment, ahead, wanted);
    const end = segment.sizeBytes;
    let place = known ? startAt(known) : await this.#locate(segment, segmentEnd, wanted.offset);
    for (let mayRebuild = true; ; ) {
      const from = place;
      const found = await this.#onFile(segment, (file) => collectBatches(file, from, end, wanted));
      if (found.batches.length > 0 && known) return this.#goOn(segment, found, wanted);
      if (found.batches.length > 0) this.#remember(segment, found);
      if (found.batches.length > 0 || !found.isDamaged) return found.batches;
      if (segment.isReplaced) throw this.#damaged(wanted.offset, segmentEnd, segment);
      if (found.stoppedAtOnce && from.baseOffset === null && mayRebuild) {
        mayRebuild = false;
        this.#store.report(
          `log ${this.#state.name}: the index of segment ${segment.name} is wrong, rebuilding it`,
        );
        await segment.rebuildIndex(this.#store, segmentEnd, this.#state.options.indexIntervalBytes);
        place = await this.#locate(segment, segmentEnd, wanted.offset);
        continue;
      }
      const next = await this.#onFile(segment, (file) =>
        findBatch(file, found.suspectPosition, end, found.suspectOffset, segmentEnd),
      );
      if (next === null || next.baseOffset > wanted.offset) {
        const damageFrom = Math.min(found.offset ?? wanted.offset, wanted.offset);
        throw this.#damaged(damageFrom, next?.baseOffset ?? segmentEnd, segment);
      }
      place = { ...next, lastOffset: null };
    }
  }

  async #locate(segment: Segment, segmentEnd: number, offset: number): Promise<IndexedPosition> {
    const { active, options } = this.#state;
    const index = await segment.loadIndex(this.#store, segmentEnd, options.indexIntervalBytes);
    if (segment !== active) this.#store.indexes.used(segment);
    const entry = index.offsets.floor(offset - segment.baseOffset);
    return entry === null
      ? { position: 0, baseOffset: segment.baseOffset, lastOffset: null }
      : {
          position: entry.position,
          baseOffset: null,
          lastOffset: segment.baseOffset + entry.relativeOffset,
        };
  }

  /** What was read for this position already; null if nothing was, or it can't be used. */
  async #takeAhead(known: ReadPosition | undefined, wanted: ReadRequest): Promise<Found | null> {
    if (known === undefined || known.ahead === null) return null;
    const taken = this.#store.readAhead.take(known.ahead);
    known.ahead = null;
    const found = await taken;
    return found && found.batches.length > 0 ? upToLimits(found, wanted) : null;
  }

  /** Answers a reader that went on where it had ended: it is likely to do so again. */
  #goOn(segment: Segment, found: Found, { maxBytes }: ReadRequest): Uint8Array[] {
    const next = this.#remember(segment, found);
    if (next !== null && next.ahead === null) this.#readAhead(next, maxBytes);
    return found.batches;
  }

  #readAhead(from: ReadPosition, maxBytes: number): void {
    const { segment, offset, position } = from;
    const end = segment.sizeBytes;
    const sizeBytes = Math.min(maxBytes, COLD_READ_BYTES, end - position);
    // A small read is not worth it, and batches of the memory tail need no file.
    if (sizeBytes < HEADER_CHUNK_BYTES || offset >= this.#tail.firstOffset) return;
    const wanted = { offset, maxBytes: sizeBytes, upTo: this.#state.endOffset };
    from.ahead = this.#store.readAhead.begin(sizeBytes, () =>
      this.#onFile(segment, (file) => collectBatches(file, startAt(from), end, wanted)),
    );
  }

  /** Where the next read is likely to begin; null when that is not known. */
  #remember(segment: Segment, { position, offset }: Found): ReadPosition | null {
    const { segments } = this.#state;
    const at = segments.indexOf(segment);
    // A segment that was removed or replaced during the read.
    if (offset === null || at === -1) return null;
    if (position < segment.sizeBytes) return this.#positions.remember(segment, offset, position);
    const next = segments[at + 1];
    return next?.baseOffset === offset ? this.#positions.remember(next, offset, 0) : null;
  }

  /** Call it when the files of these segments were removed or replaced. */
  forget(segments: readonly Segment[]): void {
    for (const segment of segments) this.#positions.forget(segment);
  }

  close(): void {
    this.#positions.clear();
  }

  #refuseDamaged(offset: number): void {
    const damage = this.#state.damages.at(offset);
    if (damage) throw corrupt(this.#state, damage);
  }

  #damaged(from: number, to: number, segment: Segment): LogError {
    const damage = { from, to };
    if (segment.isReplaced) return corrupt(this.#state, damage);
    this.#state.damages.note(damage);
    const error = corrupt(this.#state, damage);
    this.#store.report(`${error.message} (segment ${segment.name}, which is not changed)`);
    return error;
  }

  #onFile<T>(segment: Segment, work: (file: File) => Promise<T>): Promise<T> {
    return this.#store.files.use(segment.logPath, work);
  }
}

function startAt({ position, offset }: ReadPosition): IndexedPosition {
  return { position, baseOffset: offset, lastOffset: null };
}

export function outOfRange({ name, startOffset, endOffset }: LogState, offset: number): LogError {
  return new LogError(
    "out-of-range",
    `log ${name}: offset ${offset} is outside ${startOffset} to ${endOffset}`,
  );
}

function corrupt({ name }: LogState, { from, to }: DamagedRange): LogError {
  const message = `log ${name}: offsets ${from} to ${to - 1} are damaged on disk`;
  return new LogError("corrupt", message, { resumeOffset: to });
}
