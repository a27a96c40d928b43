// The file a broker logs to. sonic-boom, pino's own writer, writes it synchronously: a line is
// never lost in a crash, and a broker writes few.
import { existsSync, mkdirSync, renameSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
// A CommonJS module, whose names plain Node does not find: only bundlers do.
import sonicBoom, { type SonicBoom } from "sonic-boom";
import { osReason } from "../terminal/os-reason.ts";
import { OldLogFiles, type OldLogFilesOptions } from "./old-log-files.ts";

/** Lines that wait for room on a full disk, at most. */
const MAX_WAITING_BYTES = 1_048_576;

export interface LogFileOptions extends OldLogFilesOptions {
  /** Size at which a new file is started; 0: never. */
  readonly maxSizeBytes: number;
  /** Called when the file can't be written, and when it can be written again. */
  readonly tell: (what: string) => void;
}

export class LogFile {
  readonly #options: LogFileOptions;
  readonly #old: OldLogFiles;
  #file: SonicBoom;
  /** Identifies the file, which an operator or logrotate may move or delete. */
  #identity: Stats;
  #sizeBytes: number;
  /** Why the last write failed; null if it succeeded. */
  #error: Error | null = null;
  /** Why writes began to fail, the last time that they did. */
  #failure: Error | null = null;
  /** Whether the last write failed: lines wait in `#file`, which writes them first. */
  #isFailing = false;
  #waitingBytes = 0;
  #linesLost = 0;
  /** How many were lost before the write last failed. */
  #lostBefore = 0;
  /** Whether it was told that a new file can't be begun. */
  #isStuck = false;

  /** Makes the directory if it is missing. Throws the operating system's error. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#old = new OldLogFiles(options);
    this.#file = this.#open();
    this.#identity = statSync(options.path);
    this.#sizeBytes = this.#identity.size;
    this.#old.tidy();
  }

  /** Why lines can't be written now; null while they can. */
  get problem(): string | null {
    return this.#isFailing ? osReason(this.#failure) : null;
  }

  /** Since the start. */
  get linesLost(): number {
    return this.#linesLost;
  }

  /** Never throws: a full disk must not stop the broker only because it can't log. */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (!this.#isFailing) this.#prepare(bytes);
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

  /** Begins a new file if this one is full or was taken away. */
  #prepare(moreBytes: number): void {
    this.#old.tidyHourly();
    const { path } = this.#options;
    const isThere = this.#isThere();
    if (isThere && !this.#isFull(moreBytes)) return;
    try {
      if (isThere) renameSync(path, this.#old.nextPath());
      // The old file stays open until there is a new one: a full disk may have no room for that.
      const file = this.#open();
      this.#file.end();
      this.#file = file;
      this.#identity = statSync(path);
      this.#sizeBytes = this.#identity.size;
      this.#isStuck = false;
    } catch (error) {
      // The old file goes on growing, so no line is lost; the next line tries again.
      this.#stuck(error);
      return;
    }
    this.#old.tidy();
  }

  #isFull(moreBytes: number): boolean {
    const { maxSizeBytes } = this.#options;
    if (maxSizeBytes === 0) return false;
    return this.#sizeBytes > 0 && this.#sizeBytes + moreBytes > maxSizeBytes;
  }

  /** Whether the path still names the file that is written. */
  #isThere(): boolean {
    const { ino, dev } = this.#identity;
    try {
      const now = statSync(this.#options.path, { throwIfNoEntry: false });
      return now?.ino === ino && now.dev === dev;
    } catch {
      return false;
    }
  }

  #stuck(error: unknown): void {
    if (this.#isStuck) return;
    this.#isStuck = true;
    const { path, tell } = this.#options;
    tell(
      `can't begin a new log ${path}: ${osReason(error)}; lines go to the old file meanwhile: ` +
        "see that the directory exists, is writable and has space",
    );
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
    this.#failure = this.#error;
    const { path, tell } = this.#options;
    tell(
      `can't write to the log ${path}: ${osReason(this.#error)}; free some space: ` +
        "1 MiB of lines is kept until then, more is lost",
    );
  }

  #recovered(): void {
    const { path, tell } = this.#options;
    tell(`the log ${path} is written again; lines lost: ${this.#linesLost - this.#lostBefore}`);
    this.#sizeBytes += this.#waitingBytes;
    this.#waitingBytes = 0;
    this.#lostBefore = this.#linesLost;
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
}

/** Makes missing parents, too. Node's `recursive` option never ends below /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}
