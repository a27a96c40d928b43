// Kafka's files of producers beside the segments of one log: `.snapshot` and `.txnindex` (ADR 38).
//
// 1. Nothing in here is needed to open or to read the log. What is missing or wrong is written
//    again from the partition's state; a failure is reported, and fails nothing else.
// 2. As in Kafka there is a snapshot where each segment begins, and the newest one.
// 3. What is written while the log is opened or closed is not synced, so that many logs don't wait
//    for the disk: the next opening compares it. Older snapshots are not compared, but were synced.
// 4. Files are only written and removed in the queue of Durability, so never beside a change of the
//    log's segments.
import { join } from "node:path";
import { reasonOf } from "../../util/os-error.ts";
import { MAX_SNAPSHOTS_UNDER_WAY } from "../limits.ts";
import type { ProducerHistory } from "../log.ts";
import { offsetIn, SNAPSHOT_SUFFIX, segmentName, TXN_INDEX_SUFFIX } from "./file-names.ts";
import type { LogState } from "./log-state.ts";
import { replaceFile, replaceUnsynced } from "./sealed-file.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

/** The files that recovery found. */
export interface FoundProducerFiles {
  readonly snapshots: readonly number[];
  readonly indexes: readonly number[];
  /** Whether the log was closed in order, so that what does not fit it now was damaged. */
  readonly areCurrent: boolean;
  /** Whether batches were found that the last checkpoint does not cover. */
  readonly areBehind: boolean;
}

/** Runs work in the queue of Durability. */
type InTurn = (work: () => Promise<void>) => Promise<void>;

/** How a file is put in the place of an older one. */
type Replace = typeof replaceFile;

export const NO_PRODUCER_FILES = { snapshots: [], indexes: [], areCurrent: true, areBehind: false };

export function producerFilesIn(
  files: readonly string[],
  state: Pick<FoundProducerFiles, "areCurrent" | "areBehind">,
): FoundProducerFiles {
  const snapshots: number[] = [];
  const indexes: number[] = [];
  for (const file of files) {
    const snapshot = offsetIn(file, SNAPSHOT_SUFFIX);
    const index = offsetIn(file, TXN_INDEX_SUFFIX);
    if (snapshot !== null) snapshots.push(snapshot);
    if (index !== null) indexes.push(index);
  }
  return { snapshots, indexes, ...state };
}

export class ProducerFiles {
  readonly #store: Store;
  readonly #state: LogState;
  readonly #inTurn: InTurn;
  /** The offsets of the snapshots, and the base offsets of the segments that have an index. */
  #snapshots: readonly number[];
  #indexes: readonly number[];
  readonly #areBehind: boolean;
  #areCurrent: boolean;
  /** Null as long as the partition's state is not loaded. */
  #history: ProducerHistory | null = null;
  /** All aborts before it are in the index files. */
  #indexedTo = 0;
  #underWay = 0;
  #last: Promise<void> | null = null;

  constructor(store: Store, state: LogState, found: FoundProducerFiles, inTurn: InTurn) {
    this.#store = store;
    this.#state = state;
    this.#snapshots = found.snapshots;
    this.#indexes = found.indexes;
    this.#areBehind = found.areBehind;
    this.#areCurrent = found.areCurrent;
    this.#inTurn = inTurn;
  }

  /** See Log.keepProducerFiles. */
  async keep(history: ProducerHistory): Promise<void> {
    const { endOffset } = this.#state;
    const hasFiles = this.#snapshots.length + this.#indexes.length > 0;
    const isFirst = this.#history === null;
    this.#history = history;
    if (hasFiles || history.hasProducers || history.transactionIndex(0, endOffset) !== null) {
      await this.#attempt(async () => {
        await this.#checkIndexes(history);
        if (isFirst) await this.#checkSnapshots(history);
      });
    }
    // From now on transactions are forgotten that the files name.
    this.#areCurrent = false;
  }

  /** Call it in the turn in which a segment was begun. */
  rolled(): void {
    if (this.#underWay < MAX_SNAPSHOTS_UNDER_WAY) void this.#save(replaceFile);
  }

  /** Call it when no append is pending any more. */
  async close(): Promise<void> {
    await this.#last;
    await this.#save(replaceUnsynced);
  }

  /** From now on nothing is written: the log is about to be deleted. */
  abandon(): void {
    this.#history = null;
  }

  /** Removes the files of deleted segments, with the others' delay. Call it in the queue. */
  async remove(segments: readonly Segment[], delayMs = 0): Promise<void> {
    for (const { baseOffset } of segments) {
      await this.#removeIndex(baseOffset, delayMs);
      await this.#removeSnapshot(baseOffset, delayMs);
    }
  }

  /** Compaction has put `cleaned` in the place of `olds`. Call it in the queue. */
  async replaced(olds: readonly Segment[], cleaned: Segment, endOffset: number): Promise<void> {
    const history = this.#history;
    await this.#reported(async () => {
      await this.remove(olds.filter(({ baseOffset }) => baseOffset !== cleaned.baseOffset));
      if (history === null) return;
      await this.#writeIndex(history, cleaned, endOffset, replaceUnsynced);
    });
  }

  /** Begins a snapshot of the log's end in this turn, and writes what the files lack. */
  async #save(replace: Replace): Promise<void> {
    const history = this.#history;
    const { endOffset } = this.#state;
    if (history === null || this.#state.failure) return;
    const isWanted = history.hasProducers || this.#snapshots.length > 0;
    // When a segment begins, a snapshot that is there already may not be synced.
    const isNew = replace === replaceFile || !this.#snapshots.includes(endOffset);
    const encoded = isWanted && isNew ? history.snapshot(endOffset) : null;
    const before = this.#last;
    this.#underWay += 1;
    this.#last = this.#attempt(async () => {
      await this.#writeNewIndexes(history, replace);
      if (encoded !== null) await this.#writeSnapshot(endOffset, await encoded, replace);
    }, [before, encoded]);
    await this.#last;
    this.#underWay -= 1;
  }

  async #checkIndexes(history: ProducerHistory): Promise<void> {
    const { segments, endOffset } = this.#state;
    const bases = new Set(segments.map(({ baseOffset }) => baseOffset));
    for (const base of this.#indexes.filter((one) => !bases.has(one))) {
      await this.#removeIndex(base);
    }
    for (const [i, segment] of segments.entries()) {
      await this.#checkIndex(history, segment, this.#state.endOfSegment(i));
    }
    this.#indexedTo = endOffset;
  }

  async #checkIndex(history: ProducerHistory, segment: Segment, end: number): Promise<void> {
    const { baseOffset, name } = segment;
    const from = this.#indexedFrom(segment);
    const isThere = this.#indexes.includes(baseOffset);
    const path = this.#path(baseOffset, TXN_INDEX_SUFFIX);
    const found = isThere ? await this.#store.fs.readFile(path) : null;
    const wanted = history.transactionIndex(from, end);
    const isRight =
      wanted === null ? !isThere : found !== null && Buffer.compare(found, wanted) === 0;
    if (isRight) return;
    // The start of the log may have moved since.
    const fits = found !== null && history.isTransactionIndex(found, from, end);
    if (this.#areCurrent && !fits) this.#tell(name + TXN_INDEX_SUFFIX);
    await this.#writeIndex(history, segment, end, replaceUnsynced);
  }

  /** Aborts before the start of the log may be forgotten at any time. */
  #indexedFrom({ baseOffset }: Segment): number {
    return Math.max(baseOffset, this.#state.startOffset);
  }

  async #writeNewIndexes(history: ProducerHistory, replace: Replace): Promise<void> {
    const { segments, endOffset } = this.#state;
    if (history.transactionIndex(this.#indexedTo, endOffset) !== null) {
      for (let i = segments.length - 1; i >= 0; i--) {
        const end = this.#state.endOfSegment(i);
        if (end <= this.#indexedTo) break;
        await this.#writeIndex(history, segments[i]!, end, replace);
      }
    }
    this.#indexedTo = endOffset;
  }

  async #writeIndex(
    history: ProducerHistory,
    segment: Segment,
    end: number,
    replace: Replace,
  ): Promise<void> {
    const { baseOffset, name } = segment;
    const bytes = history.transactionIndex(this.#indexedFrom(segment), end);
    if (bytes === null) return this.#removeIndex(baseOffset);
    await replace(this.#store.fs, this.#state.directory, name + TXN_INDEX_SUFFIX, [bytes]);
    if (!this.#indexes.includes(baseOffset)) this.#indexes = [...this.#indexes, baseOffset];
  }

  async #checkSnapshots(history: ProducerHistory): Promise<void> {
    const { endOffset } = this.#state;
    for (const offset of this.#snapshots.filter((one) => one > endOffset)) {
      await this.#removeSnapshot(offset);
    }
    const hadSome = this.#snapshots.length > 0;
    if (hadSome && (await this.#isNewestRight(history))) return this.#removeOldSnapshots();
    if (hadSome && this.#areCurrent) this.#tell(segmentName(endOffset) + SNAPSHOT_SUFFIX);
    // A log of an earlier release gets its first snapshot later: its start must not wait for that.
    if (!hadSome && !(history.hasProducers && this.#areBehind)) return;
    await this.#writeSnapshot(endOffset, await history.snapshot(endOffset), replaceUnsynced);
  }

  /** Removes the newest one when it is damaged: it may be where a segment begins by now. */
  async #isNewestRight(history: ProducerHistory): Promise<boolean> {
    const newest = Math.max(...this.#snapshots);
    const found = await this.#store.fs.readFile(this.#path(newest, SNAPSHOT_SUFFIX));
    const isIntact = found !== null && history.isSnapshot(found);
    if (!isIntact) await this.#removeSnapshot(newest);
    return isIntact && newest === this.#state.endOffset;
  }

  async #writeSnapshot(offset: number, bytes: Uint8Array, replace: Replace): Promise<void> {
    // Its segment was deleted meanwhile.
    if (offset < this.#state.segments[0]!.baseOffset) return;
    const name = segmentName(offset) + SNAPSHOT_SUFFIX;
    await replace(this.#store.fs, this.#state.directory, name, [bytes]);
    if (!this.#snapshots.includes(offset)) this.#snapshots = [...this.#snapshots, offset];
    await this.#removeOldSnapshots();
  }

  /** Kafka's ProducerStateManager.removeStraySnapshots. */
  async #removeOldSnapshots(): Promise<void> {
    const kept = new Set(this.#state.segments.map(({ baseOffset }) => baseOffset));
    kept.add(Math.max(...this.#snapshots));
    for (const offset of this.#snapshots.filter((one) => !kept.has(one))) {
      await this.#removeSnapshot(offset);
    }
  }

  async #removeIndex(baseOffset: number, delayMs = 0): Promise<void> {
    if (!this.#indexes.includes(baseOffset)) return;
    await this.#store.removals.remove(this.#path(baseOffset, TXN_INDEX_SUFFIX), delayMs);
    this.#indexes = this.#indexes.filter((one) => one !== baseOffset);
  }

  async #removeSnapshot(offset: number, delayMs = 0): Promise<void> {
    if (!this.#snapshots.includes(offset)) return;
    await this.#store.removals.remove(this.#path(offset, SNAPSHOT_SUFFIX), delayMs);
    this.#snapshots = this.#snapshots.filter((one) => one !== offset);
  }

  #path(offset: number, suffix: string): string {
    return join(this.#state.directory, segmentName(offset) + suffix);
  }

  #tell(file: string): void {
    const what = "is missing or damaged, and is written again";
    this.#store.report(`log ${this.#state.name}: ${file} ${what} for Kafka's tools`);
  }

  /** Does `work` in the queue, once what it needs is there. */
  async #attempt(work: () => Promise<void>, needed: readonly unknown[] = []): Promise<void> {
    await this.#reported(async () => {
      await Promise.all(needed);
      await this.#inTurn(async () => {
        // A full disk is left to what is needed; the next segment, or a start, makes up for it.
        if (!this.#state.failure && !this.#store.disk.isFull) await work();
      });
    });
  }

  async #reported(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      void this.#store.disk.noticed(error);
      const what = "cannot write Kafka's files of producers, which only its tools read";
      this.#store.report(`log ${this.#state.name}: ${what}: ${reasonOf(error)}`);
    }
  }
}
