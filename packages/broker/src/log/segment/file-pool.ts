// A bounded pool of open files: a broker may have far more segments than file descriptors.
//
// 1. A file is closed only while no caller uses it.
// 2. At most `limit` files are in use; a caller that needs another one waits. So that callers never
//    wait for each other, a caller must not use a second file while it uses one.
import { sep } from "node:path";
import type { File, FileSystem } from "../../env/env.ts";

interface Pooled {
  readonly file: Promise<File>;
  users: number;
  forgotten: boolean;
  /** Called when it was forgotten and no caller uses it any more. */
  whenUnused: (() => void)[] | null;
}

export class FilePool {
  readonly #fs: FileSystem;
  readonly #durableWrites: boolean;
  readonly #limit: number;
  /** In order of last use, the oldest first. */
  readonly #files = new Map<string, Pooled>();
  /** Forgotten, but still in use. */
  readonly #leaving = new Map<Pooled, string>();
  #inUse = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(fs: FileSystem, durableWrites: boolean, limit: number) {
    this.#fs = fs;
    this.#durableWrites = durableWrites;
    this.#limit = limit;
  }

  /** Runs `work` on the file at `path`, which must exist. */
  async use<T>(path: string, work: (file: File) => Promise<T>): Promise<T> {
    while (this.#inUse >= this.#limit && !this.#files.get(path)?.users) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const pooled = this.#take(path);
    try {
      return await work(await pooled.file);
    } finally {
      pooled.users -= 1;
      if (pooled.users === 0) this.#inUse -= 1;
      if (pooled.forgotten && pooled.users === 0) await this.#leave(pooled);
      else this.#shrink(this.#limit);
      this.#waiting.shift()?.();
    }
  }

  /** Closes the file as soon as no caller uses it. */
  async forget(path: string): Promise<void> {
    const pooled = this.#files.get(path);
    if (!pooled) return;
    this.#files.delete(path);
    pooled.forgotten = true;
    if (pooled.users === 0) await closeQuietly(pooled);
    else this.#leaving.set(pooled, path);
  }

  /**
   * Forgets a file, or all files in a directory, and resolves when nobody uses those that were open
   * under this name before.
   */
  async released(path: string): Promise<void> {
    const isMeant = (other: string) => other === path || other.startsWith(path + sep);
    for (const open of [...this.#files.keys()]) if (isMeant(open)) void this.forget(open);
    const leaving = [...this.#leaving].filter(([, other]) => isMeant(other));
    await Promise.all(
      leaving.map(
        ([pooled]) =>
          new Promise<void>((resolve) => {
            pooled.whenUnused ??= [];
            pooled.whenUnused.push(resolve);
          }),
      ),
    );
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#files.keys()].map((path) => this.forget(path)));
  }

  get openCount(): number {
    return this.#files.size;
  }

  #take(path: string): Pooled {
    let pooled = this.#files.get(path);
    if (pooled) {
      this.#files.delete(path);
    } else {
      this.#shrink(this.#limit - 1);
      const file = this.#fs.open(path, { durableWrites: this.#durableWrites });
      const opened: Pooled = { file, users: 0, forgotten: false, whenUnused: null };
      pooled = opened;
      // If opening fails, the next caller tries it again.
      file.catch(() => this.#files.get(path) === opened && this.#files.delete(path));
    }
    if (pooled.users === 0) this.#inUse += 1;
    pooled.users += 1;
    this.#files.set(path, pooled);
    return pooled;
  }

  async #leave(pooled: Pooled): Promise<void> {
    await closeQuietly(pooled);
    this.#leaving.delete(pooled);
    for (const resolve of pooled.whenUnused ?? []) resolve();
  }

  #shrink(limit: number): void {
    if (this.#files.size <= limit) return;
    for (const [path, pooled] of this.#files) {
      if (pooled.users > 0) continue;
      void this.forget(path);
      if (this.#files.size <= limit) return;
    }
  }
}

/** An error on closing is harmless: data that must be durable was synced before. */
async function closeQuietly(pooled: Pooled): Promise<void> {
  await pooled.file.then((file) => file.close()).catch(() => {});
}
