// The files that a log was written to before. Their names have the time at which the next one was
// begun: `broker-2026-11-28T20-41-00.000Z.log`, with `.gz` when compressed.
//
// 1. Names are given in ascending order, even if the clock is set back: the highest is the newest.
// 2. A compressed file is complete: it is written under another name and then renamed. So whatever
//    is not compressed after a crash is compressed later.
import {
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join, parse } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

export interface OldLogFilesOptions {
  /** Of the file that is written now. */
  readonly path: string;
  /** Number of old files kept; 0: all. */
  readonly maxBackups: number;
  /** Age at which old files are deleted, ms, 0 for never. */
  readonly maxAgeMs: number;
  /** Whether old files are gzipped. */
  readonly compress: boolean;
}

/** How often files that became too old are looked for, ms. */
const TIDY_INTERVAL_MS = 3_600_000;
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;

export class OldLogFiles {
  readonly #options: OldLogFilesOptions;
  #tidiedAtMs = 0;
  #isCompressing = false;

  constructor(options: OldLogFilesOptions) {
    this.#options = options;
  }

  /** A path for the file that is written now, when the next one is begun. */
  nextPath(): string {
    const [newest] = this.#stamps().keys();
    // A rename would replace an older file of that name, also one of this millisecond.
    const least = newest === undefined ? 0 : timeOf(newest) + 1;
    const stamp = new Date(Math.max(Date.now(), least)).toISOString().replaceAll(":", "-");
    return this.#pathOf(stamp, "");
  }

  /** `tidy`, if that was an hour ago, or the clock was set back. */
  tidyHourly(): void {
    if (Math.abs(Date.now() - this.#tidiedAtMs) >= TIDY_INTERVAL_MS) this.tidy();
  }

  /** Deletes files that are too many or too old; compresses the others later. Never throws. */
  tidy(): void {
    const { maxBackups, maxAgeMs, compress } = this.#options;
    this.#tidiedAtMs = Date.now();
    if (maxBackups > 0 || maxAgeMs > 0) {
      try {
        this.#removeExcess();
      } catch {
        // They are still there, and the next call tries again.
      }
    }
    if (compress && !this.#isCompressing) void this.#compressAll();
  }

  #removeExcess(): void {
    const { path, maxBackups, maxAgeMs } = this.#options;
    const oldestMs = maxAgeMs === 0 ? 0 : Date.now() - maxAgeMs;
    const { dir } = parse(path);
    for (const [index, files] of [...this.#stamps().values()].entries()) {
      for (const file of files.map((name) => join(dir, name))) {
        const isExcess = maxBackups > 0 && index >= maxBackups;
        if (isExcess || modifiedMs(file) < oldestMs) rmSync(file, { force: true });
      }
    }
  }

  /** One after another. A file that can't be compressed stays as it is until the next `tidy`. */
  async #compressAll(): Promise<void> {
    this.#isCompressing = true;
    try {
      for (let file = this.#nextPlain(); file !== null; file = this.#nextPlain()) {
        if (!(await gzip(file)) && existsSync(file)) break;
      }
    } catch {
      // The directory can't be read: it may be gone.
    } finally {
      this.#isCompressing = false;
    }
  }

  #nextPlain(): string | null {
    for (const stamp of this.#stamps().keys()) {
      const plain = this.#pathOf(stamp, "");
      if (existsSync(plain)) return plain;
    }
    return null;
  }

  /** Names of files by stamp, the newest first. */
  #stamps(): Map<string, string[]> {
    const { dir, name, ext } = parse(this.#options.path);
    const found = new Map<string, string[]>();
    for (const file of readdirSync(dir || ".")
      .sort()
      .reverse()) {
      const stamp = stampOf(file, name, ext);
      if (stamp !== null) found.set(stamp, [...(found.get(stamp) ?? []), file]);
    }
    return found;
  }

  #pathOf(stamp: string, suffix: string): string {
    const { dir, name, ext } = parse(this.#options.path);
    return join(dir, `${name}-${stamp}${ext}${suffix}`);
  }
}

/**
 * Null for files of others: another broker may log to `broker-2.log` beside `broker.log`. A crash
 * leaves files whose compression was not finished, which end with `.tmp`.
 */
function stampOf(file: string, name: string, ext: string): string | null {
  if (!file.startsWith(`${name}-`)) return null;
  const rest = file.slice(name.length + 1).replace(/\.gz(\.\d+\.tmp)?$/, "");
  const stamp = rest.slice(0, rest.length - ext.length);
  return rest.endsWith(ext) && STAMP.test(stamp) ? stamp : null;
}

function timeOf(stamp: string): number {
  const ms = Date.parse(stamp.replace(/T(\d\d)-(\d\d)-/, "T$1:$2:"));
  return Number.isNaN(ms) ? 0 : ms;
}

/** A file that is gone by now, because it was gzipped, counts as new. */
function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
}

/** False when it can't be compressed: the file is left as it is. */
async function gzip(path: string): Promise<boolean> {
  // A second broker that was started by mistake with the same log may compress it as well.
  const unfinished = `${path}.gz.${process.pid}.tmp`;
  try {
    // Opened first: without it, nothing else is made.
    const fd = openSync(path, "r");
    const { atime, mtime } = fstatSync(fd);
    const source = createReadStream(path, { fd });
    await pipeline(source, createGzip(), createWriteStream(unfinished));
    utimesSync(unfinished, atime, mtime);
    renameSync(unfinished, `${path}.gz`);
    rmSync(path, { force: true });
    return true;
  } catch {
    rmSync(unfinished, { force: true });
    return false;
  }
}
