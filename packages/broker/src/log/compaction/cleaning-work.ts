import type { NextTurn } from "../../util/next-turn.ts";
import { BatchCleaner, type CleaningRun, type Filtered, type Noted } from "./batch-cleaner.ts";

/**
 * The part of compaction that computes: one run at a time, of one log. Chunks are whole batches,
 * and are given away: the caller may only use the `bytes` of the answer again. Rejects for
 * damaged batches.
 */
export interface CleaningWork {
  begin(run: CleaningRun): Promise<void>;
  /** See BatchCleaner.note. */
  note(chunk: Uint8Array, baseOffset: number): Promise<Noted>;
  /** See BatchCleaner.filter. */
  filter(chunk: Uint8Array, baseOffset: number): Promise<Filtered>;
  /** See BatchCleaner.finishFile. */
  finishFile(): Promise<Uint8Array>;
  /** Frees the memory of the run. */
  end(): Promise<void>;
  close(): void;
}

/** The work on the event loop itself, one chunk a turn. */
export class CleaningHere implements CleaningWork {
  readonly #nextTurn: NextTurn;
  #cleaner: BatchCleaner | null = null;

  constructor(nextTurn: NextTurn) {
    this.#nextTurn = nextTurn;
  }

  async begin(run: CleaningRun): Promise<void> {
    this.#cleaner = new BatchCleaner(run);
  }

  async note(chunk: Uint8Array, baseOffset: number): Promise<Noted> {
    await this.#nextTurn();
    return this.#cleaner!.note(chunk, baseOffset);
  }

  async filter(chunk: Uint8Array, baseOffset: number): Promise<Filtered> {
    await this.#nextTurn();
    return this.#cleaner!.filter(chunk, baseOffset);
  }

  async finishFile(): Promise<Uint8Array> {
    return this.#cleaner!.finishFile();
  }

  async end(): Promise<void> {
    this.#cleaner = null;
  }

  close(): void {}
}
