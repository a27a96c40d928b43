// The file a broker logs to. Written synchronously, as pino does by default: a line is never lost in a
// crash, and a broker writes few.
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, parse } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

export interface LogFileOptions {
  readonly path: string;
  /** Size at which a new file is begun, 0 for never. */
  readonly maxSizeBytes: number;
  /** Old files kept, 0 for all. */
  readonly maxBackups: number;
  /** Age at which old files are deleted, ms, 0 for never. */
  readonly maxAgeMs: number;
  /** Whether old files are gzipped. */
  readonly compress: boolean;
}

export class LogFile {
  readonly #options: LogFileOptions;
  #descriptor: number;
  #sizeBytes: number;
  #rotatedAtMs = 0;

  /** Makes the directory when there is none. Throws the operating system's error. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    mkdirSync(dirname(options.path), { recursive: true });
    this.#descriptor = openSync(options.path, "a");
    this.#sizeBytes = fstatSync(this.#descriptor).size;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    const { maxSizeBytes } = this.#options;
    if (maxSizeBytes > 0 && this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > maxSizeBytes)
      this.#rotate();
    try {
      writeSync(this.#descriptor, bytes);
      this.#sizeBytes += bytes.length;
    } catch {
      // A full disk must not stop the broker for want of a log line.
    }
  }

  #rotate(): void {
    const { path, compress } = this.#options;
    const { dir, name, ext } = parse(path);
    // Never the same name twice, also within one millisecond: a rename would replace the older file.
    this.#rotatedAtMs = Math.max(Date.now(), this.#rotatedAtMs + 1);
    const stamp = new Date(this.#rotatedAtMs).toISOString().replaceAll(":", "-");
    const old = join(dir, `${name}-${stamp}${ext}`);
    try {
      renameSync(path, old);
      closeSync(this.#descriptor);
      this.#descriptor = openSync(path, "a");
      this.#sizeBytes = 0;
      this.#removeOld();
    } catch {
      // The old file goes on growing, which loses nothing; the next line tries again.
      return;
    }
    if (compress) void gzip(old);
  }

  #removeOld(): void {
    const { path, maxBackups, maxAgeMs } = this.#options;
    const { dir, name } = parse(path);
    const oldest = maxAgeMs === 0 ? 0 : Date.now() - maxAgeMs;
    const backups = readdirSync(dir || ".")
      .filter((file) => file.startsWith(`${name}-`) && file !== basename(path))
      .sort()
      .reverse()
      .map((file) => join(dir, file));
    for (const [index, file] of backups.entries())
      if ((maxBackups > 0 && index >= maxBackups) || modifiedMs(file) < oldest)
        rmSync(file, { force: true });
  }
}

/** One that is gone by now, gzipped meanwhile, counts as new. */
function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
}

/** Leaves the file as it is when it can't be compressed. */
async function gzip(path: string): Promise<void> {
  const compressed = `${path}.gz`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(compressed));
    rmSync(path, { force: true });
  } catch {
    rmSync(compressed, { force: true });
  }
}
