// Frees the space of deleted files without standing in the way of writes.
//
// 1. A large file is cut from its end in small steps. Where a file system tells its disk at once
//    what is free (mount option `discard`), freeing 64 MiB keeps the disk busy for 15 ms or more,
//    and every sync meanwhile waits for it.
// 2. After each step the disk has a rest, in proportion to how long the step took. The rests become
//    shorter as more is waiting, and there are none while it is more than what is free.
// 3. Who adds a file promises that nobody reads it: unlike its removal, cutting a file changes what
//    others see who have it open. A file with another name, as in a backup, is never cut.
// 4. What is left at a stop keeps its name, by which the next start finds it.
import { dirname } from "node:path";
import type { Env, FileSystem } from "../../env/env.ts";
import { reasonOf } from "../../util/os-error.ts";
import { pause } from "../../util/pause.ts";
import { Fifo } from "../fifo.ts";
import { DELETION_LONGEST_REST_MS, DELETION_REST, DELETION_WITHIN_MS } from "../limits.ts";

/** A file, or a directory whose large files were added before it. */
export interface Deleted {
  readonly path: string;
  /** Not freed yet. */
  sizeBytes: number;
  /** The path may be another file's by now. */
  isForgotten: boolean;
}

export class PacedDeleter {
  readonly #fs: FileSystem;
  readonly #env: Pick<Env, "clock" | "timers">;
  readonly #report: (line: string) => void;
  readonly #stepBytes: number;
  readonly #queue = new Fifo<Deleted>();
  #current: Deleted | null = null;
  #waitingBytes = 0;
  readonly #closing = new AbortController();
  #running: Promise<void> | null = null;

  constructor(
    fs: FileSystem,
    env: Pick<Env, "clock" | "timers">,
    report: (line: string) => void,
    stepBytes: number,
  ) {
    this.#fs = fs;
    this.#env = env;
    this.#report = report;
    this.#stepBytes = stepBytes;
  }

  add(deleted: Deleted): void {
    this.#queue.items.push(deleted);
    this.#waitingBytes += deleted.sizeBytes;
    this.#running ??= this.#run();
  }

  /** What is not removed yet. */
  pending(): readonly Deleted[] {
    const current = this.#current === null ? [] : [this.#current];
    return [...current, ...this.#queue.items.slice(this.#queue.first)];
  }

  /** Waits for a step in progress, and leaves the rest. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isClosing && this.#queue.length > 0) {
      this.#current = this.#queue.peek()!;
      this.#queue.shift();
      await this.#delete(this.#current);
    }
    this.#current = null;
    this.#running = null;
  }

  async #delete(deleted: Deleted): Promise<void> {
    const { path } = deleted;
    // If it can't be cut, it is removed at once.
    await this.#cut(deleted).catch(() => {});
    if (this.#isClosing) return;
    try {
      await this.#step(deleted, deleted.sizeBytes, async () => {
        if (!deleted.isForgotten) await this.#fs.remove(path);
      });
    } catch (error) {
      this.#waitingBytes -= deleted.sizeBytes;
      this.#report(`cannot remove ${path}: ${reasonOf(error)}. Remove it, or restart the broker`);
    }
  }

  async #cut(deleted: Deleted): Promise<void> {
    const { path } = deleted;
    if (deleted.sizeBytes <= this.#stepBytes) return;
    if ((await this.#fs.stat(path))?.links !== 1 || deleted.isForgotten) return;
    const file = await this.#fs.open(path, {});
    try {
      while (deleted.sizeBytes > this.#stepBytes && !this.#isClosing) {
        const toBytes = deleted.sizeBytes - this.#stepBytes;
        await this.#step(deleted, this.#stepBytes, () => file.truncate(toBytes));
      }
    } finally {
      await file.close();
    }
  }

  async #step(deleted: Deleted, bytes: number, work: () => Promise<void>): Promise<void> {
    const { clock, timers } = this.#env;
    const startedMs = clock.monotonicMs();
    await work();
    deleted.sizeBytes -= bytes;
    this.#waitingBytes -= bytes;
    if (this.#waitingBytes <= 0) return;
    const restMs = Math.min(
      (clock.monotonicMs() - startedMs) * DELETION_REST,
      (bytes / this.#waitingBytes) * DELETION_WITHIN_MS,
      DELETION_LONGEST_REST_MS,
    );
    if (restMs < 1 || (await this.#isSpaceShort(deleted.path))) return;
    await pause(timers, restMs, this.#closing.signal).catch(() => {});
  }

  async #isSpaceShort(path: string): Promise<boolean> {
    const space = await this.#fs.space(dirname(path)).catch(() => null);
    return space !== null && space.usableBytes < this.#waitingBytes;
  }
}
