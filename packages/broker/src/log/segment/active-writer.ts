// Writes the appended batches of one log to its active segment.
//
// 1. A log has at most one write in progress; batches appended meanwhile form the next write.
// 2. Batches reach the file in the order of their offsets. The batches of one write are
//    acknowledged together or not at all.
// 3. After a failed write the log writes nothing more. A full disk is the exception: the file is
//    truncated to the acknowledged batches, all pending appends are refused, and their offsets are
//    given again. A log that may use the disk reserve retries once after the reserve was removed.
// 4. A failed read, before the first write after a start, refuses the pending appends and no more.
import { lastOffsetDeltaAt, maxTimestampAt, stampBatch, viewOf } from "@tarpan/protocol";
import { isDiskFull, reasonOf } from "../../util/os-error.ts";
import { WRITE_BYTES } from "../limits.ts";
import { LogError } from "../log-error.ts";
import type { MemoryTail, TailEntry } from "../memory-tail.ts";
import { correctWrittenAt, newestMsOf } from "../written-at.ts";
import type { Durability } from "./durability.ts";
import type { LogState } from "./log-state.ts";
import { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

interface PendingAppend extends TailEntry {
  readonly maxTimestamp: number;
  resolve(baseOffset: number): void;
  reject(error: LogError): void;
}

/** A roll that no append has caused. */
interface PendingRoll {
  isDue(): boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Relative offsets in an index are signed 32-bit numbers. */
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

export class ActiveWriter {
  readonly #store: Store;
  readonly #state: LogState;
  readonly #durability: Durability;
  readonly #tail: MemoryTail;
  #pending: PendingAppend[] = [];
  readonly #rolls: PendingRoll[] = [];
  #draining: Promise<void> | null = null;

  constructor(store: Store, state: LogState, durability: Durability, tail: MemoryTail) {
    this.#store = store;
    this.#state = state;
    this.#durability = durability;
    this.#tail = tail;
  }

  append(bytes: Uint8Array, leaderEpoch: number): Promise<number> {
    const baseOffset = this.#state.nextOffset;
    stampBatch(bytes, 0, baseOffset, leaderEpoch);
    const view = viewOf(bytes);
    const nextOffset = baseOffset + lastOffsetDeltaAt(view, 0) + 1;
    const maxTimestamp = maxTimestampAt(view, 0);
    this.#state.nextOffset = nextOffset;
    this.#draining ??= this.#drainAfterThisTurn();
    return new Promise((resolve, reject) => {
      this.#pending.push({ bytes, baseOffset, nextOffset, maxTimestamp, resolve, reject });
    });
  }

  /** Waits until no append is pending. */
  async settled(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  async #drainAfterThisTurn(): Promise<void> {
    await new Promise<void>((resolve) => this.#store.env.timers.afterThisTurn(resolve));
    while (this.#pending.length > 0 || this.#rolls.length > 0) {
      if (this.#state.failure) this.#refuse(this.#state.failure);
      else if (this.#pending.length > 0) await this.#writeNext();
      for (const roll of this.#rolls.splice(0)) await this.#rollNow(roll);
    }
    this.#draining = null;
  }

  async #rollNow({ isDue, resolve, reject }: PendingRoll): Promise<void> {
    try {
      const { active, failure } = this.#state;
      if (failure) throw failure;
      await this.#prepare(active);
      if (active.sizeBytes > 0 && isDue()) await this.#roll();
      resolve();
    } catch (error) {
      reject(error);
    }
  }

  async #writeNext(): Promise<void> {
    try {
      await this.#prepare(this.#state.active);
    } catch (error) {
      const message = `log ${this.#state.name}: cannot read its end: ${reasonOf(error)}`;
      const nowMs = this.#store.env.clock.monotonicMs();
      if (this.#state.isReadFailureNews(nowMs)) this.#store.report(message);
      return this.#takeBack(new LogError("offline", message, { cause: error }));
    }
    try {
      if (this.#mustRoll(this.#pending[0]!, this.#state.active.sizeBytes)) await this.#roll();
      const segment = this.#state.active;
      const group = this.#takeGroup(segment);
      const buffers = group.map((append) => append.bytes);
      const { durableWrites, flushes, env } = this.#store;
      const startedMs = env.clock.monotonicMs();
      try {
        await this.#store.files.use(segment.logPath, (file) =>
          file.write(buffers, segment.sizeBytes),
        );
      } catch (error) {
        this.#pending = [...group, ...this.#pending];
        throw error;
      }
      if (durableWrites) flushes.add(env.clock.monotonicMs() - startedMs);
      if (this.#state.failure) this.#pending = [...group, ...this.#pending];
      else this.#finish(segment, group);
    } catch (error) {
      await this.#giveUp(error);
    }
  }

  /** After a restart the active segment's index and first timestamp are not loaded yet. */
  async #prepare(segment: Segment): Promise<void> {
    if (segment.index && (segment.firstTimestamp !== undefined || segment.sizeBytes === 0)) return;
    const { endOffset, options } = this.#state;
    await segment.loadIndex(this.#store, endOffset, options.indexIntervalBytes);
    if (segment.sizeBytes > 0) await segment.loadFirstTimestamp(this.#store);
  }

  /** The rule of Kafka's LogSegment.shouldRoll; an empty segment accepts a batch of any size. */
  #mustRoll(append: PendingAppend, positionBytes: number): boolean {
    const { active: segment, options } = this.#state;
    if (append.nextOffset - 1 - segment.baseOffset > MAX_RELATIVE_OFFSET) return true;
    if (positionBytes === 0) return false;
    if (positionBytes + append.bytes.byteLength > options.segmentBytes) return true;
    const first = segment.firstTimestamp ?? -1;
    const ageMs =
      first >= 0 ? append.maxTimestamp - first : this.#store.env.clock.wallMs() - segment.seenAtMs;
    return ageMs > this.#segmentMs(segment);
  }

  #segmentMs(segment: Segment): number {
    const { segmentMs, segmentJitterMs = 0 } = this.#state.options;
    if (segmentJitterMs === 0) return segmentMs;
    segment.jitter ??= viewOf(this.#store.env.random.bytes(4)).getUint32(0) / 2 ** 32;
    return segmentMs - Math.floor(segment.jitter * Math.min(segmentJitterMs, segmentMs));
  }

  /**
   * Closes the active segment, unless it is empty, if `isDue` says so between two writes.
   * Rejects when that fails; the log goes on with the segment it has.
   */
  rollIf(isDue: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#rolls.push({ isDue, resolve, reject });
      this.#draining ??= this.#drainAfterThisTurn();
    });
  }

  /**
   * Whether the active segment is older than `segmentMs` by the wall clock. After a restart its age
   * counts from the last write, until the first batch is known.
   */
  get isOld(): boolean {
    const { active } = this.#state;
    const since = newestMsOf(active.firstTimestamp ?? -1, active);
    return this.#store.env.clock.wallMs() - since > this.#segmentMs(active);
  }

  async #roll(): Promise<void> {
    const sealed = this.#state.active;
    const { directory, endOffset } = this.#state;
    const segment = await Segment.create(this.#store, directory, endOffset);
    if (this.#store.durableWrites) await this.#store.fs.syncDirectory(directory);
    this.#state.segments.push(segment);
    this.#durability.rolled(sealed);
  }

  /** Takes as many pending appends as fit into the segment and into one write, at least one. */
  #takeGroup(segment: Segment): PendingAppend[] {
    let count = 0;
    let bytes = 0;
    segment.firstTimestamp ??= this.#pending[0]!.maxTimestamp;
    for (const append of this.#pending) {
      const isTooLarge = bytes + append.bytes.byteLength > WRITE_BYTES;
      if (count > 0 && (isTooLarge || this.#mustRoll(append, segment.sizeBytes + bytes))) break;
      bytes += append.bytes.byteLength;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  #finish(segment: Segment, group: PendingAppend[]): void {
    const state = this.#state;
    const { indexIntervalBytes, onAdvance } = state.options;
    const before = segment.sizeBytes;
    for (const { nextOffset, bytes, maxTimestamp } of group) {
      const last = nextOffset - 1 - segment.baseOffset;
      const size = bytes.byteLength;
      segment.index!.note(last, segment.sizeBytes, size, maxTimestamp, indexIntervalBytes);
      segment.sizeBytes += size;
      state.sizeBytes += size;
      if (maxTimestamp > state.maxTimestamp) state.maxTimestamp = maxTimestamp;
    }
    segment.writtenAtMs = this.#store.env.clock.wallMs();
    correctWrittenAt(state.segments, segment.writtenAtMs);
    state.endOffset = group[group.length - 1]!.nextOffset;
    this.#tail.add(group);
    this.#durability.written(segment);
    for (const append of group) append.resolve(append.baseOffset);
    onAdvance?.(segment.sizeBytes - before);
  }

  async #giveUp(error: unknown): Promise<void> {
    const { name, active, options } = this.#state;
    if (!isDiskFull(error)) {
      this.#refuse(this.#state.fail("write failed", error));
      return;
    }
    try {
      await this.#store.files.use(active.logPath, (file) => file.truncate(active.sizeBytes));
    } catch (cause) {
      this.#refuse(this.#state.fail("cannot undo a write that found the disk full", cause));
      return;
    }
    if (active.sizeBytes === 0) active.firstTimestamp = undefined;
    const isRoomNow = await this.#store.disk.noticed(error);
    const mayRetry = options.essential || (options.usesReserve && this.#store.disk.hasReserve);
    if (isRoomNow && mayRetry) return;
    const message = `log ${name}: the disk is full (${reasonOf(error)})`;
    this.#takeBack(new LogError("disk-full", message, { cause: error }));
  }

  /** Refuses the pending appends, and gives their offsets again. */
  #takeBack(error: LogError): void {
    this.#state.nextOffset = this.#state.endOffset;
    this.#refuse(error);
  }

  #refuse(error: LogError): void {
    const refused = this.#pending;
    this.#pending = [];
    for (const append of refused) append.reject(error);
  }
}
