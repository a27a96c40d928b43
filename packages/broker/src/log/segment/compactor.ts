// Compaction of a log in segment files (Kafka's LogCleaner and Cleaner).
//
// 1. The active segment is never compacted, so nothing here meets an append.
// 2. Source segments are read and never changed. What is left of them is written beside the log,
//    and takes their place at once (swap.ts).
// 3. A segment that `deleteBefore` has removed meanwhile, or a log that was closed or failed, ends
//    the run; the groups that were swapped in before stay.
import { isDiskFull, reasonOf } from "../../util/os-error.ts";
import type {
  CompactionRequest,
  CompactionResult,
  Compactor,
  Dirt,
} from "../compaction/compactor.ts";
import { LogError } from "../log-error.ts";
import { batchChunks, ChunkMemory } from "./batch-chunks.ts";
import { CleanedFile } from "./cleaned-file.ts";
import { readFirstDirty, writeFirstDirty } from "./cleaner-checkpoint.ts";
import type { Durability } from "./durability.ts";
import type { LogState } from "./log-state.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";
import { swapIn } from "./swap.ts";
import { loadTimes } from "./time-search.ts";

/** What a run works on: segments from the first one to the last before `endOffset`. */
interface Range {
  readonly segments: readonly Segment[];
  readonly firstDirtyOffset: number;
  /** Where the first segment begins that may not be compacted now. */
  readonly endOffset: number;
}

interface Totals {
  readBytes: number;
  writtenBytes: number;
  freedBytes: number;
}

/** Called when compaction has replaced segments, which ended at `endOffset`. */
type OnReplaced = (olds: readonly Segment[], endOffset: number) => void;

/** Offsets in an index are relative to the segment's, in 31 bits. */
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

export class SegmentCompactor implements Compactor {
  readonly #store: Store;
  readonly #state: LogState;
  readonly #durability: Durability;
  readonly #onReplaced: OnReplaced;
  #firstDirtyOffset: number | null = null;
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #memory = new ChunkMemory();
  /** Ends the waiting for the limit of bytes per second. */
  #wake = () => {};

  constructor(store: Store, state: LogState, durability: Durability, onReplaced: OnReplaced) {
    this.#store = store;
    this.#state = state;
    this.#durability = durability;
    this.#onReplaced = onReplaced;
  }

  async measure(minLagMs: number, nowMs: number): Promise<Dirt | null> {
    const range = await this.#rangeOf(minLagMs, nowMs);
    if (range === null) return null;
    const dirty = range.segments.filter((_, i) => this.#endOf(range, i) > range.firstDirtyOffset);
    let sizeBytes = 0;
    let dirtyBytes = 0;
    for (const segment of range.segments) sizeBytes += segment.sizeBytes;
    for (const segment of dirty) dirtyBytes += segment.sizeBytes;
    if (dirtyBytes === 0) return null;
    const oldest = dirty[0]!;
    if (oldest.firstTimestamp === undefined) await oldest.loadFirstTimestamp(this.#store);
    const oldestMs = oldest.firstTimestamp! >= 0 ? oldest.firstTimestamp! : null;
    return { cleanBytes: sizeBytes - dirtyBytes, dirtyBytes, oldestMs };
  }

  compact(request: CompactionRequest): Promise<CompactionResult> {
    const running = this.#compact(request).catch((error: unknown) => {
      throw this.#asLogError(error);
    });
    this.#running = running.catch(() => {});
    return running;
  }

  /** Ends a run in progress. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#running;
  }

  async #compact(request: CompactionRequest): Promise<CompactionResult> {
    const totals: Totals = { readBytes: 0, writtenBytes: 0, freedBytes: 0 };
    const range = await this.#rangeOf(request.minLagMs, request.nowMs, request.upTo);
    if (range === null) return { ...totals, keys: 0, cleanedTo: 0, isPartial: false };
    const { firstDirtyOffset, endOffset } = range;
    const { work, loadFactor, seed, nowMs, deleteRetentionMs, producers, aborted } = request;
    // There are no more keys than offsets.
    const wanted = Math.ceil((endOffset - firstDirtyOffset) / loadFactor) + 1;
    const slots = Math.min(request.slots, wanted);
    const settings = { loadFactor, seed, nowMs, deleteRetentionMs, producers, aborted };
    await work.begin({ slots, firstDirtyOffset, ...settings });
    try {
      const { notedEnd, keys } = await this.#note(range, request, totals);
      const touched = range.segments.filter(({ baseOffset }) => baseOffset < notedEnd);
      for (const group of this.#groupsOf(touched, range)) {
        await this.#cleanGroup(group, request, totals);
      }
      await writeFirstDirty(this.#store.fs, this.#state.directory, notedEnd);
      this.#firstDirtyOffset = notedEnd;
      return { ...totals, keys, cleanedTo: notedEnd, isPartial: notedEnd < endOffset };
    } finally {
      this.#memory = new ChunkMemory();
      await work.end();
    }
  }

  async #rangeOf(
    minLagMs: number,
    nowMs: number,
    upTo = Number.POSITIVE_INFINITY,
  ): Promise<Range | null> {
    const state = this.#state;
    if (state.segments.length < 2 || state.failure || this.#isStopped) return null;
    this.#firstDirtyOffset ??= await readFirstDirty(this.#store.fs, state.directory);
    const saved = this.#firstDirtyOffset ?? state.startOffset;
    const isKnown = saved >= state.startOffset && saved <= state.endOffset;
    const firstDirtyOffset = isKnown ? saved : state.startOffset;
    const segments: Segment[] = [];
    for (const [i, segment] of state.segments.slice(0, -1).entries()) {
      const end = state.endOfSegment(i);
      if (end > upTo) break;
      const isDirty = end > firstDirtyOffset;
      if (isDirty && minLagMs > 0 && (await this.#newestIn(segment, end)) > nowMs - minLagMs) break;
      segments.push(segment);
    }
    // A wait may have let `deleteBefore` remove segments.
    const at = segments.length === 0 ? -1 : state.indexOfPart(segments);
    if (at === -1) return null;
    const endOffset = state.endOfSegment(at + segments.length - 1);
    return endOffset > firstDirtyOffset ? { segments, firstDirtyOffset, endOffset } : null;
  }

  /** The segment's max timestamp, ms. */
  async #newestIn(segment: Segment, endOffset: number): Promise<number> {
    const known = segment.maxTimestamp;
    return known ?? (await loadTimes(this.#store, this.#state, segment, endOffset)).maxTimestamp;
  }

  #endOf({ segments, endOffset }: Range, index: number): number {
    return segments[index + 1]?.baseOffset ?? endOffset;
  }

  async #note(range: Range, request: CompactionRequest, totals: Totals) {
    const { segments, firstDirtyOffset } = range;
    let keys = 0;
    let isFull = false;
    let notedEnd = firstDirtyOffset;
    for (const [i, segment] of segments.entries()) {
      const end = this.#endOf(range, i);
      if (end <= firstDirtyOffset || isFull) continue;
      let offset = segment.baseOffset;
      for await (const chunk of this.#chunksOf(segment, request, totals)) {
        const noted = await request.work.note(chunk, offset);
        this.#memory.give(noted.bytes);
        offset = noted.nextOffset;
        keys = noted.keys;
        isFull = noted.isFull;
        if (isFull) break;
      }
      if (!isFull) this.#expectEnd(segment, offset, end);
      notedEnd = Math.max(notedEnd, offset);
    }
    if (notedEnd === firstDirtyOffset) throw this.#noRoomForKeys(keys, firstDirtyOffset);
    return { notedEnd, keys };
  }

  /** Joins segments that together are not larger than one may be. */
  #groupsOf(segments: readonly Segment[], range: Range): Segment[][] {
    const groups: Segment[][] = [];
    let sizeBytes = 0;
    for (const [i, segment] of segments.entries()) {
      const group = groups.at(-1);
      const base = group?.[0]?.baseOffset ?? 0;
      const isJoined =
        group !== undefined &&
        sizeBytes + segment.sizeBytes <= this.#state.options.segmentBytes &&
        this.#endOf(range, i) - base <= MAX_RELATIVE_OFFSET;
      if (isJoined) group.push(segment);
      else groups.push([segment]);
      sizeBytes = (isJoined ? sizeBytes : 0) + segment.sizeBytes;
    }
    return groups;
  }

  async #cleanGroup(group: Segment[], request: CompactionRequest, totals: Totals): Promise<void> {
    const { indexIntervalBytes } = this.#state.options;
    let beforeBytes = 0;
    for (const { sizeBytes } of group) beforeBytes += sizeBytes;
    const cleaned = await CleanedFile.create(this.#store, group[0]!, indexIntervalBytes);
    try {
      const isChanged = await this.#fill(cleaned, group, request, totals);
      if (!isChanged && group.length === 1) return await cleaned.discard();
      await this.#swap(group, await cleaned.finish(group.at(-1)!));
    } catch (error) {
      await cleaned.discard();
      throw error;
    }
    totals.freedBytes += beforeBytes - cleaned.sizeBytes;
  }

  /** False when nothing was removed or rewritten. */
  async #fill(
    cleaned: CleanedFile,
    group: readonly Segment[],
    request: CompactionRequest,
    totals: Totals,
  ): Promise<boolean> {
    let isChanged = false;
    for (const [i, segment] of group.entries()) {
      let offset = segment.baseOffset;
      for await (const chunk of this.#chunksOf(segment, request, totals)) {
        const filtered = await request.work.filter(chunk, offset);
        offset = filtered.nextOffset;
        isChanged ||= filtered.isChanged;
        await this.#write(cleaned, filtered.bytes, request, totals);
        this.#memory.give(filtered.bytes);
      }
      const next = group[i + 1];
      if (next) this.#expectEnd(segment, offset, next.baseOffset);
    }
    await this.#write(cleaned, await request.work.finishFile(), request, totals);
    return isChanged;
  }

  async #write(
    cleaned: CleanedFile,
    bytes: Uint8Array,
    request: CompactionRequest,
    totals: Totals,
  ): Promise<void> {
    await cleaned.write(bytes);
    totals.writtenBytes += bytes.byteLength;
    await this.#throttle(request, bytes.byteLength);
  }

  async #throttle({ throttle }: CompactionRequest, sizeBytes: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (!this.#isStopped) await Promise.race([throttle(sizeBytes), stopped]);
  }

  async *#chunksOf(segment: Segment, request: CompactionRequest, totals: Totals) {
    try {
      for await (const chunk of batchChunks(this.#store, segment, this.#memory)) {
        this.#refuseWhenEnded(request);
        const sizeBytes = chunk.byteLength;
        totals.readBytes += sizeBytes;
        yield chunk;
        await this.#throttle(request, sizeBytes);
      }
    } catch (error) {
      const isRemoved = !this.#state.segments.includes(segment);
      throw isRemoved ? this.#ended("its start has moved") : error;
    }
  }

  async #swap(group: readonly Segment[], cleaned: Segment): Promise<void> {
    await this.#durability.afterCheckpoint(async () => {
      const at = this.#state.indexOfPart(group);
      if (at === -1) throw this.#ended("its start has moved");
      const endOffset = this.#state.endOfSegment(at + group.length - 1);
      this.#durability.forget(group);
      await swapIn(this.#store, this.#state, group, cleaned);
      await this.#durability.producerFiles.replaced(group, cleaned, endOffset);
      this.#onReplaced(group, endOffset);
    });
  }

  #refuseWhenEnded({ isWanted }: CompactionRequest): void {
    if (this.#state.failure) throw this.#state.failure;
    if (this.#isStopped || !isWanted()) throw this.#ended("it is no longer wanted");
  }

  #ended(why: string): LogError {
    return new LogError("closed", `log ${this.#state.name}: compaction was ended: ${why}`);
  }

  #expectEnd({ name }: Segment, offset: number, end: number): void {
    if (offset === end) return;
    const what = `segment ${name} ends at offset ${offset} instead of ${end}`;
    throw new LogError("corrupt", what);
  }

  #noRoomForKeys(keys: number, offset: number): LogError {
    const what = `the ${keys} keys of the batch at offset ${offset} need more memory than`;
    const todo = "log.cleaner.dedupe.buffer.size allows: raise it";
    return new LogError("busy", `${what} ${todo}`);
  }

  #asLogError(cause: unknown): LogError {
    const { name } = this.#state;
    if (cause instanceof LogError) return cause;
    const kind = isDiskFull(cause) ? "disk-full" : "offline";
    return new LogError(kind, `log ${name}: cannot compact: ${reasonOf(cause)}`, { cause });
  }
}
