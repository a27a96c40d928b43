// Logs in memory, lost when the process ends: for tests, simulations and embedded use without a
// disk. `endOffset` moves a microtask after `append`, never within the call, so that callers see
// the same order of events as on an engine with a disk.
import { lastOffsetDeltaAt, maxTimestampAt, stampBatch, viewOf } from "@tarpan/protocol";
import type { Clock } from "../env/env.ts";
import { hasRecords } from "./has-records.ts";
import type { Log, LogId, LogOptions, LogSegment } from "./log.ts";
import type { LogEngine } from "./log-engine.ts";
import { LogError } from "./log-error.ts";
import { MemoryCompactor, type MemoryEntries, type MemoryEntry } from "./memory-compactor.ts";
import { ownBatch } from "./own-batch.ts";
import { correctWrittenAt, newestMsOf } from "./written-at.ts";

/** The part of a log that survives closing it. */
interface Stored {
  readonly id: LogId;
  readonly entries: MemoryEntry[];
  startOffset: number;
  checkpoint: { offset: number; state: Uint8Array } | null;
  open: MemoryLog | null;
}

export class MemoryEngine implements LogEngine {
  readonly kind = "memory";
  readonly cleanlyClosed = false;
  readonly replication = null;
  readonly problem = null;
  readonly #clock: Clock;
  readonly flushes = null;
  readonly #logs = new Map<string, Stored>();
  #closed = false;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  async create(id: LogId, options: LogOptions): Promise<Log> {
    this.#refuseWhenClosed();
    if (this.#logs.has(nameOf(id))) throw new LogError("exists", `log ${nameOf(id)} exists`);
    const stored: Stored = { id, entries: [], startOffset: 0, checkpoint: null, open: null };
    this.#logs.set(nameOf(id), stored);
    return openStored(stored, options, this.#clock);
  }

  async open(id: LogId, options: LogOptions): Promise<Log> {
    this.#refuseWhenClosed();
    const stored = this.#logs.get(nameOf(id));
    if (stored?.id.topicId !== id.topicId)
      throw new LogError("missing", `log ${nameOf(id)} with topic id ${id.topicId} is not there`);
    if (stored.open) throw new LogError("exists", `log ${nameOf(id)} is already open`);
    return openStored(stored, options, this.#clock);
  }

  async delete(id: LogId): Promise<void> {
    const stored = this.#logs.get(nameOf(id));
    if (stored?.id.topicId !== id.topicId) return;
    this.#logs.delete(nameOf(id));
    await stored.open?.close();
  }

  /** Deletes the log, because the operator could not examine one in memory. */
  setAside(id: LogId): Promise<void> {
    return this.delete(id);
  }

  async list(): Promise<readonly LogId[]> {
    return [...this.#logs.values()].map((stored) => stored.id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const stored of this.#logs.values()) await stored.open?.close();
    this.#logs.clear();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new LogError("closed", "the engine is closed");
  }
}

function nameOf(id: LogId): string {
  return `${id.topic}-${id.partition}`;
}

function openStored(stored: Stored, options: LogOptions, clock: Clock): MemoryLog {
  stored.open = new MemoryLog(stored, options, clock);
  return stored.open;
}

class MemoryLog implements Log, MemoryEntries {
  readonly damagedRanges = 0;
  readonly #stored: Stored;
  readonly #clock: Clock;
  readonly compactor = new MemoryCompactor(this);
  options: LogOptions;
  #onAdvance: ((sizeBytes: number) => void) | undefined;
  #endOffset: number;
  #nextOffset: number;
  #maxTimestamp = -1;
  #sizeBytes = 0;
  #committing: Promise<void> | null = null;
  /** Bytes of batches that are not committed yet. */
  #appendedBytes = 0;
  #closed = false;

  constructor(stored: Stored, options: LogOptions, clock: Clock) {
    this.#stored = stored;
    this.#clock = clock;
    this.options = options;
    this.#onAdvance = options.onAdvance;
    this.#endOffset = stored.entries.at(-1)?.nextOffset ?? stored.startOffset;
    this.#nextOffset = this.#endOffset;
    for (const entry of stored.entries) this.#count(entry);
  }

  get startOffset(): number {
    return this.#stored.startOffset;
  }
  get endOffset(): number {
    return this.#endOffset;
  }
  get nextOffset(): number {
    return this.#nextOffset;
  }
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }
  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  get failure(): null {
    return null;
  }
  get isClosed(): boolean {
    return this.#closed;
  }
  get all(): readonly MemoryEntry[] {
    return this.#stored.entries;
  }

  replaceBefore(endOffset: number, compacted: readonly MemoryEntry[]): void {
    const { entries, startOffset } = this.#stored;
    const kept = compacted.filter(({ nextOffset }) => nextOffset > startOffset);
    const replaced = entries.splice(0, firstEndingAfter(entries, endOffset), ...kept);
    for (const { batch } of replaced) this.#sizeBytes -= batch.byteLength;
    for (const { batch } of kept) this.#sizeBytes += batch.byteLength;
  }

  async append(batch: Uint8Array, leaderEpoch: number): Promise<number> {
    this.#refuseWhenClosed();
    const baseOffset = this.#nextOffset;
    stampBatch(batch, 0, baseOffset, leaderEpoch);
    const view = viewOf(batch);
    const entry: MemoryEntry = {
      baseOffset,
      nextOffset: baseOffset + lastOffsetDeltaAt(view, 0) + 1,
      maxTimestamp: maxTimestampAt(view, 0),
      writtenAtMs: this.#clock.wallMs(),
      batch: ownBatch(batch),
    };
    correctWrittenAt(this.#stored.entries, entry.writtenAtMs);
    this.#stored.entries.push(entry);
    this.#nextOffset = entry.nextOffset;
    this.#appendedBytes += batch.byteLength;
    this.#count(entry);
    this.#committing ??= Promise.resolve().then(() => this.#commit());
    await this.#committing;
    return baseOffset;
  }

  async read(
    offset: number,
    maxBytes: number,
    upTo = this.#endOffset,
  ): Promise<readonly Uint8Array[]> {
    this.#refuseWhenClosed();
    if (offset < this.startOffset || offset > this.#endOffset)
      throw new LogError(
        "out-of-range",
        `offset ${offset} is outside ${this.startOffset} to ${this.#endOffset}`,
      );
    const end = Math.min(upTo, this.#endOffset);
    const { entries } = this.#stored;
    const batches: Uint8Array[] = [];
    let left = maxBytes;
    for (let i = firstEndingAfter(entries, offset); i < entries.length; i++) {
      const entry = entries[i]!;
      left -= entry.batch.byteLength;
      if (entry.baseOffset >= end || (left < 0 && batches.some(hasRecords))) break;
      batches.push(entry.batch);
    }
    return batches;
  }

  async offsetAt(timestamp: number, from = this.startOffset): Promise<number | null> {
    this.#refuseWhenClosed();
    const first = Math.max(from, this.startOffset);
    const found = this.#stored.entries.find(
      (entry) =>
        entry.maxTimestamp >= timestamp &&
        entry.nextOffset > first &&
        entry.baseOffset < this.#endOffset,
    );
    return found ? Math.max(found.baseOffset, first) : null;
  }

  /** Every batch is one. */
  *segments(): Generator<LogSegment> {
    this.#refuseWhenClosed();
    for (const entry of [...this.#stored.entries]) {
      if (entry.nextOffset > this.#endOffset) return;
      yield {
        endOffset: entry.nextOffset,
        sizeBytes: entry.batch.byteLength,
        newestMs: newestMsOf(entry.maxTimestamp, entry),
      };
    }
  }

  async deleteBefore(offset: number): Promise<void> {
    this.#refuseWhenClosed();
    if (offset > this.#endOffset)
      throw new LogError("out-of-range", `offset ${offset} is past the end ${this.#endOffset}`);
    if (offset <= this.startOffset) return;
    const { entries } = this.#stored;
    this.#stored.startOffset = offset;
    const freed = entries.splice(0, firstEndingAfter(entries, offset));
    for (const entry of freed) this.#sizeBytes -= entry.batch.byteLength;
  }

  async saveCheckpoint(offset: number, state: Uint8Array): Promise<void> {
    this.#refuseWhenClosed();
    if (offset > this.#endOffset)
      throw new LogError("out-of-range", `offset ${offset} is past the end ${this.#endOffset}`);
    this.#stored.checkpoint = { offset, state: new Uint8Array(state) };
  }

  async loadCheckpoint(): Promise<{ offset: number; state: Uint8Array } | null> {
    this.#refuseWhenClosed();
    const { checkpoint } = this.#stored;
    return checkpoint && checkpoint.offset >= this.startOffset ? checkpoint : null;
  }

  configure(options: Partial<LogOptions>): void {
    this.options = { ...this.options, ...options };
    if ("onAdvance" in options) this.#onAdvance = options.onAdvance;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#committing;
    this.#stored.open = null;
  }

  #commit(): void {
    this.#committing = null;
    this.#endOffset = this.#nextOffset;
    const sizeBytes = this.#appendedBytes;
    this.#appendedBytes = 0;
    this.#onAdvance?.(sizeBytes);
  }

  #count(entry: MemoryEntry): void {
    this.#sizeBytes += entry.batch.byteLength;
    this.#maxTimestamp = Math.max(this.#maxTimestamp, entry.maxTimestamp);
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new LogError("closed", "the log is closed");
  }
}

/** Index of the batch that holds `offset`, `entries.length` when none does. */
function firstEndingAfter(entries: readonly MemoryEntry[], offset: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.nextOffset > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
