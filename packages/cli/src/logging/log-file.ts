// The file a broker logs to. sonic-boom, pino's own writer, writes it synchronously: a line is
// never lost in a crash, and a broker writes few.
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, parse } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
// A CommonJS module, whose names plain Node does not find: only bundlers do.
import sonicBoom, { type SonicBoom } from "sonic-boom";
import { osReason } from "../terminal/os-reason.ts";

/** Lines that wait for room on a full disk, at most. */
const MAX_WAITING_BYTES = 1_048_576;

export interface LogFileOptions {
  readonly path: string;
  /** Size at which a new file is started; 0: never. */
  readonly maxSizeBytes: number;
  /** Number of old files kept; 0: all. */
  readonly maxBackups: number;
  /** Age at which old files are deleted, ms, 0 for never. */
  readonly maxAgeMs: number;
  /** Whether old files are gzipped. */
  readonly compress: boolean;
  /** Called when the file can't be written, and when it can be written again. */
  readonly tell: (what: string) => void;
}

/** The time of the rotation in the name of an old file. */
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;

export class LogFile {
  readonly #options: LogFileOptions;
  #file: SonicBoom;
  #sizeBytes: number;
  #rotatedAtMs = 0;
  /** Why the last write failed; null if it succeeded. */
  #error: Error | null = null;
  /** Whether the last write failed: lines wait in `#file`, which writes them first. */
  #isFailing = false;
  #waitingBytes = 0;
  #linesLost = 0;

  /** Makes the directory if it is missing. Throws the operating system's error. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#file = this.#open();
    this.#sizeBytes = statSync(options.path).size;
  }

  /** Never throws: a full disk must not stop the broker only because it can't log. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#isFull(bytes)) this.#rotate();
    const fits = this.#waitingBytes + bytes <= MAX_WAITING_BYTES;
    // When the line does not fit, an empty write retries the waiting lines.
    if (!this.#tryWrite(fits ? line : "")) {
      this.#failed(fits ? bytes : 0);
      return;
    }
    if (!fits) this.#tryWrite(line);
    this.#sizeBytes += bytes;
    if (this.#isFailing) this.#recovered();
  }

  #isFull(moreBytes: number): boolean {
    const { maxSizeBytes } = this.#options;
    if (maxSizeBytes === 0 || this.#isFailing) return false;
    return this.#sizeBytes > 0 && this.#sizeBytes + moreBytes > maxSizeBytes;
  }

  #tryWrite(line: string): boolean {
    this.#error = null;
    this.#file.write(line);
    return this.#error === null;
  }

  /** `bytesKept` of the line wait in `#file`; 0 means that the line is lost. */
  #failed(bytesKept: number): void {
    this.#waitingBytes += bytesKept;
    if (bytesKept === 0) this.#linesLost++;
    if (this.#isFailing) return;
    this.#isFailing = true;
    const { path, tell } = this.#options;
    tell(
      `can't write to the log ${path}: ${osReason(this.#error)}; free some space: ` +
        "1 MiB of lines is kept until then, more is lost",
    );
  }

  #recovered(): void {
    const { path, tell } = this.#options;
    tell(`the log ${path} is written again; lines lost: ${this.#linesLost}`);
    this.#sizeBytes += this.#waitingBytes;
    this.#waitingBytes = 0;
    this.#linesLost = 0;
    this.#isFailing = false;
  }

  #open(): SonicBoom {
    const { path } = this.#options;
    makeDirectory(dirname(path));
    const file = new sonicBoom.SonicBoom({ dest: path, sync: true });
    file.on("error", (error: Error) => {
      this.#error = error;
    });
    return file;
  }

  #rotate(): void {
    const { path, compress } = this.#options;
    const { dir, name, ext } = parse(path);
    // A name must not repeat, even within a millisecond: a rename would replace the older file.
    this.#rotatedAtMs = Math.max(Date.now(), this.#rotatedAtMs + 1);
    const stamp = new Date(this.#rotatedAtMs).toISOString().replaceAll(":", "-");
    const old = join(dir, `${name}-${stamp}${ext}`);
    try {
      // An operator or logrotate may have moved the old file away already.
      if (existsSync(path)) renameSync(path, old);
      // The old file stays open until there is a new one: a full disk may have no room for that.
      const file = this.#open();
      this.#file.end();
      this.#file = file;
      this.#sizeBytes = 0;
      this.#removeOld();
    } catch {
      // The old file goes on growing, so no line is lost; the next line tries again.
      return;
    }
    if (compress) void gzip(old);
  }

  #removeOld(): void {
    const { path, maxBackups, maxAgeMs } = this.#options;
    const { dir, name, ext } = parse(path);
    const oldest = maxAgeMs === 0 ? 0 : Date.now() - maxAgeMs;
    const backups = readdirSync(dir || ".")
      .filter((file) => isRotated(file, name, ext))
      .sort()
      .reverse()
      .map((file) => join(dir, file));
    for (const [index, file] of backups.entries())
      if ((maxBackups > 0 && index >= maxBackups) || modifiedMs(file) < oldest)
        rmSync(file, { force: true });
  }
}

/**
 * Only names that `#rotate` makes: another broker may log to `broker-2.log` beside `broker.log`.
 */
function isRotated(file: string, name: string, ext: string): boolean {
  if (!file.startsWith(`${name}-`)) return false;
  const rest = file.slice(name.length + 1).replace(/\.gz$/, "");
  return rest.endsWith(ext) && STAMP.test(rest.slice(0, rest.length - ext.length));
}

/** A file that is gone by now, because it was gzipped, counts as new. */
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

/** Makes missing parents, too. Node's `recursive` option never ends below /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}
