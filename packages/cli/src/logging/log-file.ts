// The file a broker logs to. Written synchronously, as pino does by default: a line is never lost
// in a crash, and a broker writes few.
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, parse } from "node:path";
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

/** Of when a file was rotated, as it stands in its name. */
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;

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
    // Never the same name twice, also within one millisecond: a rename would replace the older
    // file.
    this.#rotatedAtMs = Math.max(Date.now(), this.#rotatedAtMs + 1);
    const stamp = new Date(this.#rotatedAtMs).toISOString().replaceAll(":", "-");
    const old = join(dir, `${name}-${stamp}${ext}`);
    try {
      // Somebody may have taken the old one away already.
      if (existsSync(path)) renameSync(path, old);
      // The old one stays open until there is another: a full disk may have no room for it.
      const descriptor = openSync(path, "a");
      closeSync(this.#descriptor);
      this.#descriptor = descriptor;
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
