// Removes files of deleted segments, after `file.delete.delay.ms`. Until then they have another
// name, so that the log is shorter at once, also for a start after a crash.
import type { Env, FileSystem, Timer } from "../../env/env.ts";
import { reasonOf } from "../../util/os-error.ts";
import { DELETED_FILE_SUFFIX } from "./file-names.ts";

export class DelayedRemovals {
  readonly #fs: FileSystem;
  readonly #timers: Env["timers"];
  readonly #report: (line: string) => void;
  readonly #waiting = new Map<string, Timer>();
  readonly #running = new Set<Promise<void>>();

  constructor(fs: FileSystem, timers: Env["timers"], report: (line: string) => void) {
    this.#fs = fs;
    this.#timers = timers;
    this.#report = report;
  }

  /** Removes a file, or renames it now and removes it later. It is no error if there is none. */
  async remove(path: string, delayMs: number): Promise<void> {
    if (delayMs === 0) return this.#fs.remove(path);
    if ((await this.#fs.stat(path)) === null) return;
    const renamed = path + DELETED_FILE_SUFFIX;
    await this.#fs.rename(path, renamed);
    const timer = this.#timers.after(delayMs, () => this.#removeNow(renamed));
    this.#waiting.set(renamed, timer);
  }

  /** Removes all files that still wait: after a shutdown nobody reads them. */
  async close(): Promise<void> {
    for (const path of [...this.#waiting.keys()]) this.#removeNow(path);
    await Promise.all(this.#running);
  }

  #removeNow(path: string): void {
    this.#waiting.get(path)?.cancel();
    this.#waiting.delete(path);
    const removal = this.#fs
      .remove(path)
      .catch((error: unknown) => this.#report(`cannot remove ${path}: ${reasonOf(error)}`))
      .finally(() => this.#running.delete(removal));
    this.#running.add(removal);
  }
}
