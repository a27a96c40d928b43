// Syncs the files of one log and records in its checkpoint what is durable.
//
// 1. A failed sync takes the log offline and is never repeated: the kernel may have dropped the
//    pages and marked them clean, so a second sync would succeed without them.
// 2. A checkpoint covers only batches that were synced before it was written.
// 3. Syncs and checkpoints of one log never overlap.

import { isDiskFull, reasonOf } from "../../util/os-error.ts";
import { LogError } from "../log-error.ts";
import type { LogCheckpoint } from "./checkpoint.ts";
import { writeCheckpoint, writeState } from "./checkpoint.ts";
import type { LogState } from "./log-state.ts";
import { type FoundProducerFiles, ProducerFiles } from "./producer-files.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

const NOTHING = Promise.resolve();

export class Durability {
  readonly producerFiles: ProducerFiles;
  readonly #store: Store;
  readonly #state: LogState;
  // Arrays, which are empty in a quiet log: a set takes memory even then, in each of many logs.
  #unsynced: Segment[] = [];
  /** Sealed segments whose index files are not complete. */
  #unindexed: Segment[] = [];
  #directoryUnsynced = false;
  /** A checkpoint for a roll is queued; it covers the rolls that happen before it starts. */
  #isAdvanceDue = false;
  /** The content of the checkpoint file. */
  #saved: LogCheckpoint | null;
  #last: Promise<unknown> = NOTHING;

  constructor(
    store: Store,
    state: LogState,
    saved: LogCheckpoint | null,
    files: FoundProducerFiles,
  ) {
    this.#store = store;
    this.#state = state;
    this.#saved = saved;
    this.producerFiles = new ProducerFiles(store, state, files, (work) => this.#serially(work));
  }

  /** Call it after a write to `segment`. */
  written(segment: Segment): void {
    if (this.#store.durableWrites) return;
    if (!this.#unsynced.includes(segment)) this.#unsynced.push(segment);
    this.#store.written(this);
  }

  /** Call it after a roll: the index files of `sealed` are written in the background. */
  rolled(sealed: Segment): void {
    if (!this.#store.durableWrites) this.#directoryUnsynced = true;
    this.#unindexed.push(sealed);
    this.#advanceLater();
    this.producerFiles.rolled();
  }

  #advanceLater(): void {
    if (this.#isAdvanceDue) return;
    this.#isAdvanceDue = true;
    this.#serially(() => this.#advance()).catch((error: unknown) => {
      void this.#store.disk.noticed(error);
      // Nothing is lost: opening after a crash only has to scan more.
      if (!this.#state.failure)
        this.#store.report(
          `log ${this.#state.name}: cannot write a checkpoint, will try again later: ` +
            reasonOf(error),
        );
    });
  }

  /** Syncs all finished writes. Never rejects: a failure takes the log offline. */
  sync(): Promise<void> {
    return this.#serially(() => this.#sync()).catch(() => {});
  }

  /** Makes everything written so far durable, so that the next opening need not scan it. */
  checkpoint(): Promise<void> {
    return this.#serially(() => this.#advance());
  }

  /** Like `checkpoint`, but does not fail on a full disk, so that the log can still be read. */
  async checkpointIfRoom(): Promise<void> {
    try {
      await this.checkpoint();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      await this.#store.disk.noticed(error);
    }
  }

  saveState(offset: number, state: Uint8Array): Promise<void> {
    return this.#serially(async () => {
      await this.#advance();
      await writeState(this.#store.fs, this.#state.directory, offset, state);
    }).catch((error: unknown) => this.refuse("cannot save a checkpoint", error));
  }

  /** Resolves to the segments that no longer belong to the log. */
  moveStart(startOffset: number): Promise<readonly Segment[]> {
    return this.#serially(async () => {
      const state = this.#state;
      // A whole checkpoint: the segment that the saved one refers to may be deleted next.
      if (startOffset > state.startOffset) await this.#advance(startOffset);
      state.startOffset = Math.max(state.startOffset, startOffset);
      // In the same turn of this queue, because compaction must find either all of this or nothing.
      return state.trim();
    }).catch((error: unknown) => this.refuse("cannot move the start", error));
  }

  /** Deletes the files of segments that no longer belong to the log. */
  remove(segments: readonly Segment[]): Promise<void> {
    return this.#serially(async () => {
      const { fileDeleteDelayMs } = this.#state.options;
      await this.producerFiles.remove(segments, fileDeleteDelayMs);
      for (const segment of segments) {
        this.#unsynced = this.#unsynced.filter((other) => other !== segment);
        this.#unindexed = this.#unindexed.filter((other) => other !== segment);
        this.#store.indexes.forget(segment);
        await segment.removeFiles(this.#store, fileDeleteDelayMs);
      }
    }).catch((error: unknown) => this.refuse("cannot remove segments", error));
  }

  /**
   * Runs `work` after everything was made durable, with no sync or checkpoint beside it. Segments
   * before the active one have all their files then, unless the disk is full.
   */
  afterCheckpoint<T>(work: () => Promise<T>): Promise<T> {
    return this.#serially(async () => {
      await this.#advance();
      return work();
    });
  }

  /** These segments no longer belong to the log: their files must not be touched. */
  forget(segments: readonly Segment[]): void {
    this.#unsynced = this.#unsynced.filter((segment) => !segments.includes(segment));
    this.#unindexed = this.#unindexed.filter((segment) => !segments.includes(segment));
  }

  /** Only the operation fails, not the log: files that are replaced whole are unchanged. */
  refuse(what: string, cause: unknown): never {
    if (cause instanceof LogError) throw cause;
    void this.#store.disk.noticed(cause);
    const message = `log ${this.#state.name}: ${what}: ${reasonOf(cause)}`;
    throw new LogError(isDiskFull(cause) ? "disk-full" : "offline", message, { cause });
  }

  /** Waits for all syncs and checkpoints that were requested. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  async #sync(): Promise<void> {
    if (this.#state.failure) throw this.#state.failure;
    const segments = this.#unsynced;
    this.#unsynced = [];
    const { flushes, env } = this.#store;
    try {
      for (const segment of segments) {
        const startedMs = env.clock.monotonicMs();
        await this.#store.files.use(segment.logPath, (file) => file.sync());
        flushes.add(env.clock.monotonicMs() - startedMs);
      }
      if (this.#directoryUnsynced) {
        this.#directoryUnsynced = false;
        await this.#store.fs.syncDirectory(this.#state.directory);
      }
    } catch (error) {
      throw this.#state.fail("sync failed", error);
    }
  }

  async #advance(startOffset = this.#state.startOffset): Promise<void> {
    this.#isAdvanceDue = false;
    const { active, endOffset, maxTimestamp } = this.#state;
    const next: LogCheckpoint = {
      startOffset,
      recoveryOffset: endOffset,
      recoverySegment: active.baseOffset,
      recoveryPosition: active.sizeBytes,
      maxTimestamp,
    };
    if (isSame(this.#saved ?? this.#nothingSaved(), next)) return;
    await this.#sync();
    await this.#saveIndexes(active);
    await writeCheckpoint(this.#store.fs, this.#state.directory, next);
    this.#saved = next;
  }

  /** A failure is only reported: missing index files are rebuilt when they are needed. */
  async #saveIndexes(active: Segment): Promise<void> {
    const isStillActive = active === this.#state.active;
    const segments = isStillActive ? [...this.#unindexed, active] : [...this.#unindexed];
    try {
      for (const segment of segments) {
        await segment.index?.save(this.#store.fs, segment.directory, segment.name);
        const at = this.#unindexed.indexOf(segment);
        if (at === -1) continue;
        this.#unindexed.splice(at, 1);
        segment.maxTimestamp = segment.index?.maxTimestamp;
        this.#store.indexes.used(segment);
      }
    } catch (error) {
      void this.#store.disk.noticed(error);
      this.#store.report(`log ${this.#state.name}: cannot write an index: ${reasonOf(error)}`);
    }
  }

  #nothingSaved(): LogCheckpoint {
    const first = this.#state.segments[0]!.baseOffset;
    const { startOffset } = this.#state;
    return {
      startOffset,
      recoveryOffset: first,
      recoverySegment: first,
      recoveryPosition: 0,
      maxTimestamp: -1,
    };
  }
}

function isSame(a: LogCheckpoint, b: LogCheckpoint): boolean {
  return (
    a.recoveryOffset === b.recoveryOffset &&
    a.recoverySegment === b.recoverySegment &&
    a.startOffset === b.startOffset
  );
}
