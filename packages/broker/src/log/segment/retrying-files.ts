// A file system that waits for a while when the process has reached its limit of open files, until
// another file is closed. Nothing is wrong with the file itself, so its log must not fail at once.
import type { Env, File, FileSystem, OpenOptions } from "../../env/env.ts";
import { isOutOfFiles } from "../../util/os-error.ts";
import { pause } from "../../util/pause.ts";
import { OUT_OF_FILES_REMINDER_MS, OUT_OF_FILES_TIMEOUT_MS, OUT_OF_FILES_WAIT } from "../limits.ts";

export interface PatientFilesOptions {
  readonly env: Pick<Env, "fs" | "clock" | "timers" | "machine">;
  /** Takes one line for the operator. */
  readonly report: (line: string) => void;
}

export class RetryingFiles implements FileSystem {
  readonly #fs: FileSystem;
  readonly #options: PatientFilesOptions;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PatientFilesOptions) {
    this.#fs = options.env.fs;
    this.#options = options;
  }

  open(path: string, options: OpenOptions): Promise<File> {
    return this.#withRetries(() => this.#fs.open(path, options));
  }
  makeDirectory(path: string): Promise<void> {
    return this.#fs.makeDirectory(path);
  }
  list(path: string): Promise<string[]> {
    return this.#withRetries(() => this.#fs.list(path));
  }
  stat(path: string): ReturnType<FileSystem["stat"]> {
    return this.#fs.stat(path);
  }
  readFile(path: string): Promise<Uint8Array | null> {
    return this.#withRetries(() => this.#fs.readFile(path));
  }
  rename(from: string, to: string): Promise<void> {
    return this.#fs.rename(from, to);
  }
  remove(path: string): Promise<void> {
    return this.#withRetries(() => this.#fs.remove(path));
  }
  space(path: string): ReturnType<FileSystem["space"]> {
    return this.#fs.space(path);
  }
  syncDirectory(path: string): Promise<void> {
    return this.#withRetries(() => this.#fs.syncDirectory(path));
  }

  async #withRetries<T>(work: () => Promise<T>): Promise<T> {
    const { clock, timers } = this.#options.env;
    const deadlineMs = clock.monotonicMs() + OUT_OF_FILES_TIMEOUT_MS;
    for (let waitMs = OUT_OF_FILES_WAIT.firstMs; ; waitMs *= 2) {
      try {
        return await work();
      } catch (error) {
        if (!isOutOfFiles(error) || clock.monotonicMs() >= deadlineMs) throw error;
        this.#reportLimit();
      }
      await pause(timers, Math.min(waitMs, OUT_OF_FILES_WAIT.longestMs));
    }
  }

  #reportLimit(): void {
    const { env, report } = this.#options;
    const nowMs = env.clock.monotonicMs();
    if (nowMs - this.#reportedAtMs < OUT_OF_FILES_REMINDER_MS) return;
    this.#reportedAtMs = nowMs;
    const max = env.machine.openFilesMax();
    report(
      `this process reached its limit of open files and connections (${max ?? "unknown"}): ` +
        "reads and writes wait. Raise the limit: ulimit -n, systemd's LimitNOFILE, " +
        "docker run --ulimit nofile",
    );
  }
}
