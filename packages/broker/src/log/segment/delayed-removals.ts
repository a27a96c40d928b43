// Removes files of deleted segments, after `file.delete.delay.ms`. Until then they have another
// name, so that the log is shorter at once, also for a start after a crash.
import { join, sep } from "node:path";
import type { Env, FileSystem, Timer } from "../../env/env.ts";
import { reasonOf } from "../../util/os-error.ts";
import { DELETION_STEP_BYTES } from "../limits.ts";
import { DELETED_FILE_SUFFIX } from "./file-names.ts";
import { type Deleted, PacedDeleter } from "./paced-deleter.ts";

/** Resolves when nobody reads a file, or any file of a directory, under this name. */
type WhenUnused = (path: string) => Promise<unknown>;

/** Has a timer until its time has come. */
interface Renamed extends Deleted {
  timer: Timer | null;
}

export class DelayedRemovals {
  readonly #fs: FileSystem;
  readonly #timers: Env["timers"];
  readonly #report: (line: string) => void;
  readonly #deleter: PacedDeleter;
  readonly #stepBytes: number;
  /** Not given to the deleter yet. */
  readonly #waiting = new Set<Renamed>();
  #isClosed = false;

  constructor(
    fs: FileSystem,
    env: Pick<Env, "clock" | "timers">,
    report: (line: string) => void,
    stepBytes = DELETION_STEP_BYTES,
  ) {
    this.#fs = fs;
    this.#timers = env.timers;
    this.#report = report;
    this.#deleter = new PacedDeleter(fs, env, report, stepBytes);
    this.#stepBytes = stepBytes;
  }

  /**
   * Removes a file, at once if it is small, or renames it now and removes it later. It is no error
   * if there is none.
   */
  async remove(path: string, delayMs: number, unused: WhenUnused = noReaders): Promise<void> {
    const stat = await this.#fs.stat(path);
    if (stat === null) return;
    const { sizeBytes } = stat;
    if (delayMs === 0 && sizeBytes <= this.#stepBytes) return this.#fs.remove(path);
    const to = await this.#freeName(path);
    await this.#fs.rename(path, to);
    const renamed: Renamed = { path: to, sizeBytes, isForgotten: false, timer: null };
    this.#waiting.add(renamed);
    const begin = () => void unused(path).then(() => this.#begin(renamed));
    if (delayMs === 0) begin();
    else renamed.timer = this.#timers.after(delayMs, begin);
  }

  /** Removes a renamed file, unless this process has renamed it and removes it in its time. */
  async goOn(path: string): Promise<void> {
    const stat = await this.#fs.stat(path);
    if (stat === null || this.#pending().some((deleted) => deleted.path === path)) return;
    this.#delete(path, stat.sizeBytes);
  }

  /** Removes a directory that was renamed. Resolves before that. */
  removeDirectory(path: string, unused: Promise<unknown> = Promise.resolve()): void {
    unused
      .then(() => this.#deleteAllIn(path))
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#report(`cannot remove ${path}: ${reasonOf(error)}`);
      });
  }

  /** The directory was renamed: new files of these names are other ones. */
  forgetIn(directory: string): void {
    for (const deleted of this.#pending())
      if (deleted.path.startsWith(directory + sep)) deleted.isForgotten = true;
  }

  /** Leaves what still waits to the next start, so that no shutdown waits for it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#waiting) timer?.cancel();
    this.#waiting.clear();
    await this.#deleter.close();
  }

  /** Compaction replaces segments again and again, all of one name. */
  async #freeName(path: string): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      const free = path + (attempt === 0 ? "" : `.${attempt}`) + DELETED_FILE_SUFFIX;
      if ((await this.#fs.stat(free)) === null) return free;
    }
  }

  async #deleteAllIn(directory: string): Promise<void> {
    if (this.#isClosed) return;
    for (const name of await this.#fs.list(directory)) {
      const path = join(directory, name);
      const sizeBytes = (await this.#fs.stat(path))?.sizeBytes ?? 0;
      if (sizeBytes > this.#stepBytes) this.#delete(path, sizeBytes);
    }
    this.#delete(directory, 0);
  }

  #pending(): readonly Deleted[] {
    return [...this.#waiting, ...this.#deleter.pending()];
  }

  #begin(renamed: Renamed): void {
    if (!this.#waiting.delete(renamed) || renamed.isForgotten) return;
    this.#deleter.add(renamed);
  }

  #delete(path: string, sizeBytes: number): void {
    if (!this.#isClosed) this.#deleter.add({ path, sizeBytes, isForgotten: false });
  }
}

async function noReaders(): Promise<void> {}
