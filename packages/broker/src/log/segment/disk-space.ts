// Watches the free space on the file system of a data directory.
//
// 1. The disk counts as full from the first write that fails for it until the reserve file could be
//    written again: only then is there room for more than one batch.
// 2. While the disk is full, only writes that start a broker or free space are allowed; as long as
//    enough is left for these, also commits of groups. The reserve file is removed to make room.
import { join } from "node:path";
import type { Env, Timer } from "../../env/env.ts";
import { isDiskFull } from "../../util/os-error.ts";
import {
  DISK_CHECK_INTERVAL_MS,
  DISK_ESSENTIAL_BYTES,
  DISK_REMINDER_INTERVAL_MS,
  DISK_RESERVE_BYTES,
} from "../limits.ts";
import { LogError } from "../log-error.ts";

const RESERVE_FILE = ".tarpan-reserve";
/** Free bytes, including the reserve file's, below which a disk counts as full. */
const ROOM_BYTES = 2 * DISK_RESERVE_BYTES;

export interface DiskSpaceOptions {
  readonly env: Pick<Env, "fs" | "clock" | "timers">;
  /** Takes one line for the operator about a problem that needs action. */
  readonly alert: (line: string) => void;
  /** Takes one line for the operator. */
  readonly report: (line: string) => void;
  /** What a full disk means for clients; part of the line for the operator. */
  readonly means: string;
  /** Polls the free space: another process (nats-server) writes and does not report its errors. */
  readonly watched?: boolean;
  /** Called when there is room again. */
  readonly onRoom?: () => void;
}

export class DiskSpace {
  readonly #directory: string;
  readonly #options: DiskSpaceOptions;
  #holdsReserve = false;
  #isFull = false;
  /** When it was last looked at; Infinity when the volume doesn't tell. */
  #freeBytesSeen = Number.POSITIVE_INFINITY;
  #alertedAtMs = 0;
  #timer: Timer | null = null;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(directory: string, options: DiskSpaceOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** `directory` must exist. On a full disk the reserve is removed before this resolves. */
  static async open(directory: string, options: DiskSpaceOptions): Promise<DiskSpace> {
    const disk = new DiskSpace(directory, options);
    const reserve = await options.env.fs.stat(disk.#reservePath);
    disk.#holdsReserve = (reserve?.sizeBytes ?? 0) >= DISK_RESERVE_BYTES;
    const heldBytes = disk.#holdsReserve ? DISK_RESERVE_BYTES : 0;
    const freeBytes = await disk.#freeBytes();
    if (freeBytes !== null && freeBytes + heldBytes < ROOM_BYTES) await disk.#begin();
    else if (!disk.#holdsReserve || options.watched) disk.#lookLater();
    return disk;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether a log that may use the reserve can be written now. */
  get hasReserve(): boolean {
    return !this.#isFull || this.#freeBytesSeen >= DISK_ESSENTIAL_BYTES;
  }

  /** The text for clients and for `/ready` while the disk is full. */
  get problem(): string | null {
    if (!this.#isFull) return null;
    return `the disk of ${this.#directory} is full: nothing is stored until there is space`;
  }

  refusal(log: string): LogError {
    return new LogError("disk-full", `log ${log}: ${this.problem ?? "the disk is full"}`);
  }

  /**
   * Call it with the error of a failed write. True when a retry can succeed, because the disk was
   * full and the reserve was removed just now.
   */
  async noticed(error: unknown): Promise<boolean> {
    if (this.#isFull || this.#closed || !isDiskFull(error)) return false;
    const hadReserve = this.#holdsReserve;
    await this.#begin();
    return hadReserve;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#work;
  }

  get #reservePath(): string {
    return join(this.#directory, RESERVE_FILE);
  }

  async #begin(): Promise<void> {
    this.#isFull = true;
    this.#lookLater();
    // The alert comes first, so that it shows the free space without the reserve's.
    this.#work = this.#remind()
      .then(() => this.#giveUpReserve())
      .then(() => this.#freeBytes());
    await this.#work;
  }

  async #remind(): Promise<void> {
    this.#alertedAtMs = this.#options.env.clock.monotonicMs();
    const free = await this.#freeText();
    this.#options.alert(
      `the disk of ${this.#directory} is full (${free}): ${this.#options.means}. ` +
        "Free space on that file system, or delete topics or records; no restart is needed",
    );
  }

  #lookLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.env.timers.after(DISK_CHECK_INTERVAL_MS, () => {
      this.#work = this.#look();
    });
  }

  async #look(): Promise<void> {
    const { env, watched } = this.#options;
    const { clock } = env;
    const isRoomy = this.#holdsReserve ? !(await this.#isShort()) : await this.#makeReserve();
    if (this.#closed) return;
    if (isRoomy) {
      if (this.#isFull) await this.#end();
      if (watched) this.#lookLater();
      return;
    }
    if (this.#holdsReserve) return this.#begin();
    this.#lookLater();
    const isDue = clock.monotonicMs() - this.#alertedAtMs >= DISK_REMINDER_INTERVAL_MS;
    if (this.#isFull && isDue) await this.#remind();
  }

  async #end(): Promise<void> {
    this.#isFull = false;
    const free = await this.#freeText();
    this.#options.report(
      `the disk of ${this.#directory} has room again (${free}): records are stored again`,
    );
    this.#options.onRoom?.();
  }

  /** Whether too little is free besides the reserve. */
  async #isShort(): Promise<boolean> {
    const freeBytes = await this.#freeBytes();
    return freeBytes !== null && freeBytes + DISK_RESERVE_BYTES < ROOM_BYTES;
  }

  /** Not if it would take all free space: the next write must find room. */
  async #makeReserve(): Promise<boolean> {
    const { fs } = this.#options.env;
    const freeBytes = await this.#freeBytes();
    if (freeBytes !== null && freeBytes < ROOM_BYTES) return false;
    try {
      const file = await fs.open(this.#reservePath, { create: true });
      try {
        await file.write([new Uint8Array(DISK_RESERVE_BYTES)], 0);
        await file.sync();
      } finally {
        await file.close();
      }
      this.#holdsReserve = true;
    } catch {
      await this.#giveUpReserve();
    }
    return this.#holdsReserve;
  }

  async #giveUpReserve(): Promise<void> {
    this.#holdsReserve = false;
    await this.#options.env.fs.remove(this.#reservePath).catch(() => {});
  }

  async #freeBytes(): Promise<number | null> {
    const space = await this.#options.env.fs.space(this.#directory).catch(() => null);
    this.#freeBytesSeen = space?.usableBytes ?? Number.POSITIVE_INFINITY;
    return space?.usableBytes ?? null;
  }

  async #freeText(): Promise<string> {
    const freeBytes = await this.#freeBytes();
    return freeBytes === null ? "free space unknown" : `${freeBytes} bytes free`;
  }
}
