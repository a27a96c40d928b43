// Files of a process that may have as many open as it is allowed: opening another waits until one
// was closed, for a while, rather than fail. What is full is the process, and the file as good as
// ever.
import type { Env, File, FileSystem, OpenOptions } from "../../env/env.ts";
import { isOutOfFiles } from "../../util/os-error.ts";
import { pause } from "../../util/pause.ts";
import {
  OUT_OF_FILES_PATIENCE_MS,
  OUT_OF_FILES_REMINDER_MS,
  OUT_OF_FILES_WAIT,
} from "../limits.ts";

export interface PatientFilesOptions {
  readonly env: Pick<Env, "fs" | "clock" | "timers" | "machine">;
  /** Takes one line for the operator. */
  readonly report: (line: string) => void;
}

export class PatientFiles implements FileSystem {
  readonly #fs: FileSystem;
  readonly #options: PatientFilesOptions;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PatientFilesOptions) {
    this.#fs = options.env.fs;
    this.#options = options;
  }

  open(path: string, options: OpenOptions): Promise<File> {
    return this.#patiently(() => this.#fs.open(path, options));
  }
  makeDirectory(path: string): Promise<void> {
    return this.#fs.makeDirectory(path);
  }
  list(path: string): Promise<string[]> {
    return this.#patiently(() => this.#fs.list(path));
  }
  stat(path: string): ReturnType<FileSystem["stat"]> {
    return this.#fs.stat(path);
  }
  readFile(path: string): Promise<Uint8Array> {
    return this.#patiently(() => this.#fs.readFile(path));
  }
  rename(from: string, to: string): Promise<void> {
    return this.#fs.rename(from, to);
  }
  remove(path: string): Promise<void> {
    return this.#patiently(() => this.#fs.remove(path));
  }
  space(path: string): ReturnType<FileSystem["space"]> {
    return this.#fs.space(path);
  }
  syncDirectory(path: string): Promise<void> {
    return this.#patiently(() => this.#fs.syncDirectory(path));
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { clock, timers } = this.#options.env;
    const untilMs = clock.monotonicMs() + OUT_OF_FILES_PATIENCE_MS;
    for (let waitMs = OUT_OF_FILES_WAIT.firstMs; ; waitMs *= 2) {
      try {
        return await work();
      } catch (error) {
        if (!isOutOfFiles(error) || clock.monotonicMs() >= untilMs) throw error;
        this.#tell();
      }
      await pause(timers, Math.min(waitMs, OUT_OF_FILES_WAIT.longestMs));
    }
  }

  #tell(): void {
    const { env, report } = this.#options;
    const nowMs = env.clock.monotonicMs();
    if (nowMs - this.#saidAtMs < OUT_OF_FILES_REMINDER_MS) return;
    this.#saidAtMs = nowMs;
    const max = env.machine.openFilesMax();
    report(
      `this process has as many files and connections open as it may (${max ?? "limit unknown"}): ` +
        "what needs another waits. Raise the limit: ulimit -n, systemd's LimitNOFILE, " +
        "docker run --ulimit nofile",
    );
  }
}
