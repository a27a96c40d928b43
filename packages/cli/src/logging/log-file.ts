// The file a broker logs to. sonic-boom, pino's own writer, writes it synchronously: a line is
// never lost in a crash, and a broker writes few.
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join, parse } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
// A CommonJS module, whose names plain Node does not find: only bundlers do.
import sonicBoom, { type SonicBoom } from "sonic-boom";
import { osReason } from "../terminal/os-reason.ts";

/** What may wait for room on a full disk. */
const MAX_WAITING_BYTES = 1_048_576;

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
  /** Told when the file can't be written, and when it can again. */
  readonly tell: (what: string) => void;
}

/** Of when a file was rotated, as it stands in its name. */
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;

export class LogFile {
  readonly #options: LogFileOptions;
  #file: SonicBoom;
  #sizeBytes: number;
  #rotatedAtMs = 0;
  /** Of the write in progress. */
  #error: Error | null = null;
  /** Whether the last write failed: lines wait in `#file`, which writes them first. */
  #isFailing = false;
  #waitingBytes = 0;
  #linesLost = 0;

  /** Makes the directory when there is none. Throws the operating system's error. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#file = this.#open();
    this.#sizeBytes = statSync(options.path).size;
  }

  /** Never fails: a full disk must not stop the broker for want of a log line. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#isFull(bytes)) this.#rotate();
    const fits = this.#waitingBytes + bytes <= MAX_WAITING_BYTES;
    // Nothing, where a line does not fit, tries again what waits.
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

  /** The file keeps so many bytes of a line, or none. */
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
    const file = new sonicBoom.SonicBoom({ dest: this.#options.path, sync: true, mkdir: true });
    file.on("error", (error: Error) => {
      this.#error = error;
    });
    return file;
  }

  #rotate(): void {
    const { path, compress } = this.#options;
    const { dir, name, ext } = parse(path);
    // Never the same name twice, also within one millisecond: a rename would replace the older
    // file.
    this.#rotatedAtMs = Math.max(Date.now(), this.#rotatedAtMs + 1);
    const stamp = new Date(this.#rotatedAtMs).toISOString().replaceAll(":", "-");
    const old = join(dir, `${name}-${stamp}${ext}`);
    try {
      // Somebody may have taken the old one away already.
      if (existsSync(path)) renameSync(path, old);
      // The old one stays open until there is another: a full disk may have no room for it.
      const file = this.#open();
      this.#file.end();
      this.#file = file;
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

/** Only what `#rotate` names so: another broker may log to `broker-2.log` beside `broker.log`. */
function isRotated(file: string, name: string, ext: string): boolean {
  if (!file.startsWith(`${name}-`)) return false;
  const rest = file.slice(name.length + 1).replace(/\.gz$/, "");
  return rest.endsWith(ext) && STAMP.test(rest.slice(0, rest.length - ext.length));
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
