import { reasonOf } from "../../util/os-error.ts";
import type { Log, LogOptions, LogSegment, ProducerHistory } from "../log.ts";
import { LogError } from "../log-error.ts";
import { MemoryTail } from "../memory-tail.ts";
import { newestMsOf } from "../written-at.ts";
import { ActiveWriter } from "./active-writer.ts";
import { readState } from "./checkpoint.ts";
import { ColdReader, outOfRange } from "./cold-reader.ts";
import { SegmentCompactor } from "./compactor.ts";
import { Durability } from "./durability.ts";
import { LogState } from "./log-state.ts";
import { NO_PRODUCER_FILES } from "./producer-files.ts";
import { ALL_UNSAVED, type Doubt, recoverLog } from "./recovery.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";
import { loadTimes, offsetAt } from "./time-search.ts";

/** A log in segment files. Created by SegmentEngine. */
export class SegmentLog implements Log {
  readonly #store: Store;
  readonly #state: LogState;
  readonly #durability: Durability;
  readonly #tail: MemoryTail;
  readonly #writer: ActiveWriter;
  #compactor: SegmentCompactor | null = null;
  #coldReader: ColdReader | null = null;
  #closed: Promise<void> | null = null;

  private constructor(store: Store, state: LogState, durability: Durability) {
    this.#store = store;
    this.#state = state;
    this.#durability = durability;
    this.#tail = new MemoryTail(store.tails);
    this.#writer = new ActiveWriter(store, state, durability, this.#tail);
  }

  static async open(
    store: Store,
    name: string,
    directory: string,
    options: LogOptions,
    doubt: Doubt | null = null,
  ): Promise<SegmentLog> {
    const recovered = await recoverLog(store, name, directory, options.indexIntervalBytes, doubt);
    const state = new LogState(name, directory, options, recovered, store.alert);
    const durability = new Durability(store, state, recovered.saved, recovered.producerFiles);
    if (recovered.changed) await durability.checkpointIfRoom();
    return new SegmentLog(store, state, durability);
  }

  /** A log that was created just now, which needs no recovery. */
  static begin(
    store: Store,
    name: string,
    directory: string,
    options: LogOptions,
    segment: Segment,
  ): SegmentLog {
    const nothing = { startOffset: 0, endOffset: 0, maxTimestamp: -1, loss: false };
    const recovered = { segments: [segment], ...nothing };
    const state = new LogState(name, directory, options, recovered, store.alert);
    const durability = new Durability(store, state, null, NO_PRODUCER_FILES);
    return new SegmentLog(store, state, durability);
  }

  /** Made when it is used: most logs are never compacted. */
  get compactor(): SegmentCompactor {
    this.#compactor ??= new SegmentCompactor(
      this.#store,
      this.#state,
      this.#durability,
      (olds, endOffset) => {
        this.#tail.dropBefore(endOffset);
        this.#coldReader?.forget(olds);
      },
    );
    if (this.#closed) void this.#compactor.stop();
    return this.#compactor;
  }

  get startOffset(): number {
    return this.#state.startOffset;
  }
  get endOffset(): number {
    return this.#state.endOffset;
  }
  get nextOffset(): number {
    return this.#state.nextOffset;
  }
  get maxTimestamp(): number {
    return this.#state.maxTimestamp;
  }
  get sizeBytes(): number {
    return this.#state.sizeBytes;
  }
  get damagedRanges(): number {
    return this.#state.damagedRanges;
  }
  get failure(): LogError | null {
    return this.#state.failure;
  }

  /** What the next opening has to doubt; null unless the log is offline. */
  get doubt(): Doubt | null {
    if (this.#state.failure === null) return null;
    const { baseOffset, sizeBytes } = this.#state.active;
    return this.#store.durableWrites ? { segment: baseOffset, position: sizeBytes } : ALL_UNSAVED;
  }

  append(batch: Uint8Array, leaderEpoch: number): Promise<number> {
    const refusal = this.#refusal() ?? this.#diskRefusal();
    return refusal ? Promise.reject(refusal) : this.#writer.append(batch, leaderEpoch);
  }

  async read(
    offset: number,
    maxBytes: number,
    upTo = this.#state.endOffset,
  ): Promise<readonly Uint8Array[]> {
    this.#refuseWhenUnusable();
    const { startOffset, endOffset } = this.#state;
    if (offset < startOffset || offset > endOffset) throw outOfRange(this.#state, offset);
    if (offset === endOffset) return [];
    const end = Math.min(upTo, endOffset);
    if (offset >= this.#tail.firstOffset) return this.#tail.read(offset, maxBytes, end);
    this.#coldReader ??= new ColdReader(this.#store, this.#state, this.#tail);
    return this.#coldReader.read({ offset, maxBytes, upTo: end });
  }

  async offsetAt(timestamp: number, from = this.#state.startOffset): Promise<number | null> {
    this.#refuseWhenUnusable();
    const { startOffset, replacements } = this.#state;
    const isUnchanged = () => this.#state.replacements === replacements;
    try {
      const found = await offsetAt(this.#store, this.#state, timestamp, from);
      return isUnchanged() ? found : await this.offsetAt(timestamp, from);
    } catch (error) {
      // A segment may have been removed or compacted during the search: search what is there now.
      if (this.#state.startOffset > startOffset || !isUnchanged())
        return this.offsetAt(timestamp, from);
      const message = `log ${this.#state.name}: cannot search by time: ${reasonOf(error)}`;
      throw new LogError("offline", message, { cause: error });
    }
  }

  async *segments(): AsyncGenerator<LogSegment> {
    this.#refuseWhenUnusable();
    const state = this.#state;
    const all = state.segments.map((segment, i) => ({ segment, end: state.endOfSegment(i) }));
    for (const { segment, end } of all) {
      if (segment.baseOffset === end) return;
      const maxTimestamp = await this.#maxTimestampOf(segment, end);
      // Compaction has replaced it meanwhile: what is there now can be listed next time.
      if (segment.isReplaced) return;
      const newestMs = newestMsOf(maxTimestamp, segment);
      yield { endOffset: end, sizeBytes: segment.sizeBytes, newestMs };
    }
  }

  async #maxTimestampOf(segment: Segment, endOffset: number): Promise<number> {
    const state = this.#state;
    // Most logs have one segment: no index need be loaded for it.
    if (state.segments.length === 1) return state.maxTimestamp;
    if (segment.maxTimestamp !== undefined) return segment.maxTimestamp;
    try {
      return (await loadTimes(this.#store, state, segment, endOffset)).maxTimestamp;
    } catch (error) {
      if (segment.isReplaced) return -1;
      return this.#durability.refuse(`cannot read the index of segment ${segment.name}`, error);
    }
  }

  async rollIfOld(): Promise<void> {
    this.#refuseWhenUnusable();
    if (!this.#writer.isOld) return;
    await this.#roll(() => this.#writer.isOld).catch((error: unknown) =>
      this.#durability.refuse("cannot close a segment", error),
    );
  }

  #roll(isDue: () => boolean): Promise<void> {
    return this.#state.active.sizeBytes > 0 ? this.#writer.rollIf(isDue) : Promise.resolve();
  }

  async deleteBefore(offset: number): Promise<void> {
    this.#refuseWhenUnusable();
    const state = this.#state;
    if (offset > state.endOffset) throw outOfRange(state, offset);
    if (offset === state.endOffset) {
      // Only closed segments can be freed. If it can't be closed now, it is freed later.
      await this.#roll(() => offset === state.endOffset).catch((error: unknown) =>
        this.#store.report(`log ${state.name}: cannot close a segment: ${reasonOf(error)}`),
      );
    }
    const trimmed = await this.#durability.moveStart(offset);
    this.#tail.dropBefore(state.startOffset);
    this.#coldReader?.forget(trimmed);
    await this.#durability.remove(trimmed);
  }

  async saveCheckpoint(offset: number, state: Uint8Array): Promise<void> {
    this.#refuseWhenUnusable();
    if (offset > this.#state.endOffset) throw outOfRange(this.#state, offset);
    await this.#durability.saveState(offset, state);
  }

  async loadCheckpoint(): Promise<{ offset: number; state: Uint8Array } | null> {
    this.#refuseWhenUnusable();
    const { fs } = this.#store;
    const saved = await readState(fs, this.#state.directory).catch((error: unknown) =>
      this.#durability.refuse("cannot read the saved state", error),
    );
    if (saved === "damaged") {
      this.#store.report(`log ${this.#state.name}: the saved state is damaged, ignoring it`);
      return null;
    }
    const { startOffset, endOffset } = this.#state;
    return saved && saved.offset >= startOffset && saved.offset <= endOffset ? saved : null;
  }

  async keepProducerFiles(history: ProducerHistory): Promise<void> {
    this.#refuseWhenUnusable();
    await this.#durability.producerFiles.keep(history);
  }

  configure(options: Partial<LogOptions>): void {
    this.#state.options = { ...this.#state.options, ...options };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Closes it before it is deleted: Kafka's files are not made for a last time. */
  abandon(): Promise<void> {
    this.#durability.producerFiles.abandon();
    return this.close();
  }

  get isClosed(): boolean {
    return this.#closed !== null;
  }

  async #close(): Promise<void> {
    await this.#compactor?.stop();
    await this.#writer.settled();
    try {
      if (!this.#state.failure) await this.#durability.checkpoint();
      await this.#durability.producerFiles.close();
    } catch (error) {
      this.#durability.refuse("cannot write the checkpoint of its end", error);
    } finally {
      await this.#durability.settled();
      this.#tail.clear();
      this.#coldReader?.close();
      for (const segment of this.#state.segments) {
        this.#store.indexes.forget(segment);
        await this.#store.files.forget(segment.logPath);
      }
    }
  }

  #refuseWhenUnusable(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }

  #diskRefusal(): LogError | null {
    const { disk } = this.#store;
    const { essential, usesReserve } = this.#state.options;
    if (!disk.isFull || essential || (usesReserve && disk.hasReserve)) return null;
    return disk.refusal(this.#state.name);
  }

  #refusal(): LogError | null {
    if (this.#closed) return new LogError("closed", `log ${this.#state.name} is closed`);
    return this.#state.failure;
  }
}
