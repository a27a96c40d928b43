import { join } from "node:path";
import type { FlushPolicy } from "../../config/settings.ts";
import type { Env } from "../../env/env.ts";
import { shareOpenFiles } from "../../env/open-files.ts";
import { type Histogram, newFlushHistogram } from "../../metrics/histogram.ts";
import { allOrNothing } from "../../util/close-stack.ts";
import { inParallel } from "../../util/in-parallel.ts";
import { isDiskFull, reasonOf } from "../../util/os-error.ts";
import { CONCURRENT_LOGS, indexBytesOn, readAheadBytesOn, tailBytesOn } from "../limits.ts";
import type { Log, LogId, LogOptions } from "../log.ts";
import type { LogEngine } from "../log-engine.ts";
import { LogError } from "../log-error.ts";
import { TailBudget } from "../memory-tail.ts";
import {
  type DataDirectory,
  type DirectoryMeta,
  nestedDirectories,
  openDataDirectory,
} from "./data-directory.ts";
import { DelayedRemovals } from "./delayed-removals.ts";
import { DiskSpace } from "./disk-space.ts";
import {
  deletedDirectoryName,
  isDeletedDirectoryName,
  logDirectoryName,
  parseLogDirectoryName,
  strayDirectoryName,
} from "./file-names.ts";
import { FilePool } from "./file-pool.ts";
import { IndexCache } from "./index-cache.ts";
import { SegmentLog } from "./log.ts";
import { readTopicId, writeTopicId } from "./partition-metadata.ts";
import { ReadAhead } from "./read-ahead.ts";
import { RecoveredLogs } from "./recovered-logs.ts";
import { ALL_UNSAVED, type Doubt } from "./recovery.ts";
import { RetryingFiles } from "./retrying-files.ts";
import { Segment } from "./segment.ts";
import type { Store } from "./store.ts";
import { firstForeignEntry } from "./unfinished-creation.ts";

export interface SegmentEngineOptions {
  readonly env: Pick<Env, "fs" | "clock" | "timers" | "random" | "machine" | "processes">;
  readonly flush: FlushPolicy;
  /** Written into a new directory (default 1); if given, it must match an existing directory's. */
  readonly nodeId?: number;
  /** The operator's name for this node. */
  readonly nodeName?: string | undefined;
  /** Memory for the newest batches of all logs; left out, a share of the machine's. */
  readonly readCacheBytes?: number | undefined;
  /** Bytes of a deleted file that are freed in one step; left out, DELETION_STEP_BYTES. */
  readonly deletionStepBytes?: number;
  /** Takes one line for the operator: damage found, and what was done about it. */
  readonly log?: (line: string) => void;
  /** Takes one about a problem that needs action; default: `log`. */
  readonly alert?: (line: string) => void;
}

/** Logs as files in one data directory, in Kafka's format. */
export class SegmentEngine implements LogEngine {
  readonly kind = "segment";
  readonly #directory: DataDirectory;
  readonly #env: SegmentEngineOptions["env"];
  readonly #flush: FlushPolicy;
  readonly #store: Store;
  /** For logs with `alwaysDurable`; the same as `#store` when every log is. */
  readonly #durableStore: Store;
  readonly #open = new Map<string, SegmentLog>();
  /** Logs whose last write, sync or opening failed. */
  readonly #doubts = new Map<string, Doubt>();
  /** Topic ids that the look around the directory found, each until it is used. */
  readonly #topicIds = new Map<string, string>();
  #isNew = false;
  /** Serializes create, open and delete of the same log. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #unsynced = new Set<{ sync(): Promise<void> }>();
  #isFlushArmed = false;
  #closed: Promise<void> | null = null;

  private constructor(directory: DataDirectory, disk: DiskSpace, options: SegmentEngineOptions) {
    const { env, flush } = options;
    const durableWrites = flush.mode === "always";
    const { log: report = () => {}, alert = report } = options;
    const fs = new RetryingFiles({ env, report });
    const { pooled } = shareOpenFiles(env.machine.openFilesMax());
    this.#directory = directory;
    this.#env = env;
    this.#flush = flush;
    this.#store = {
      env,
      fs,
      disk,
      flushes: newFlushHistogram(),
      files: new FilePool(fs, durableWrites, pooled),
      durableWrites,
      startsClean: directory.cleanlyClosed,
      recovered: new RecoveredLogs(),
      removals: new DelayedRemovals(fs, env, report, options.deletionStepBytes),
      tails: new TailBudget(tailBytesOn(env.machine, options.readCacheBytes)),
      indexes: new IndexCache(indexBytesOn(env.machine)),
      readAhead: new ReadAhead(env.timers, readAheadBytesOn(env.machine)),
      report,
      alert,
      written: (unsynced) => this.#flushLater(unsynced),
    };
    const files = new FilePool(fs, true, pooled);
    this.#durableStore = durableWrites
      ? this.#store
      : { ...this.#store, files, durableWrites: true };
  }

  /**
   * Locks a data directory and creates it if it is missing. Rejects with DataDirectoryError when it
   * is in use, not writable, incomplete, of another format version, or of another node.
   */
  static async openDirectory(path: string, options: SegmentEngineOptions): Promise<SegmentEngine> {
    const { env, log: report = () => {}, alert = report } = options;
    return allOrNothing(async (opened) => {
      const directory = await openDataDirectory(path, env, options.nodeId, options.nodeName);
      opened.add(() => directory.release(false));
      const means = "records are refused, reads continue";
      const disk = await DiskSpace.open(path, { env, alert, report, means });
      opened.add(() => disk.close());
      const engine = new SegmentEngine(directory, disk, options);
      await engine.#lookAround();
      return engine;
    });
  }

  async #lookAround(): Promise<void> {
    const { fs, report } = this.#store;
    const { path } = this.#directory;
    const found = await this.list();
    this.#isNew = found.length === 0;
    for (const id of found) this.#topicIds.set(logDirectoryName(id), id.topicId);
    const ownLogs = new Set(this.#topicIds.keys());
    for (const line of await nestedDirectories(path, fs, ownLogs)) report(line);
    for (const name of await fs.list(path))
      if (isDeletedDirectoryName(name)) this.#store.removals.removeDirectory(join(path, name));
  }

  /** The content of `meta.properties`. */
  get meta(): DirectoryMeta {
    return this.#directory.meta;
  }
  readonly replication = null;

  get flushes(): Histogram {
    return this.#store.flushes;
  }

  get problem(): string | null {
    return this.#store.disk.problem;
  }

  get cleanlyClosed(): boolean {
    return this.#directory.cleanlyClosed;
  }

  /** Whether the directory held no log when it was opened. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** How much recovery the logs opened so far needed. */
  get recovered(): Readonly<RecoveredLogs> {
    return this.#store.recovered;
  }

  create(id: LogId, options: LogOptions): Promise<Log> {
    return this.#inTurn(id, async (name, path) => {
      const { fs, disk } = this.#store;
      if (disk.isFull && !options.essential) throw disk.refusal(name);
      if (this.#open.has(name) || (await this.#topicIdOf(name, path)) !== null)
        throw new LogError("exists", `log ${name} exists`);
      await this.#clearUnfinished(name, path);
      await fs.makeDirectory(path);
      const segment = await Segment.create(this.#store, path, 0);
      // The last step: a log without this file counts as never created.
      await writeTopicId(fs, path, id.topicId);
      await fs.syncDirectory(this.#directory.path);
      const log = SegmentLog.begin(this.#storeFor(options), name, path, options, segment);
      this.#open.set(name, log);
      return log;
    });
  }

  open(id: LogId, options: LogOptions): Promise<Log> {
    return this.#inTurn(id, async (name, path) => {
      const topicId = await this.#topicIdOf(name, path);
      if (topicId !== id.topicId)
        throw new LogError(
          "missing",
          `log ${name} with topic id ${id.topicId} is not in ${this.#directory.path}` +
            (topicId === null ? "" : `; the log there has topic id ${topicId}`),
        );
      const opened = this.#open.get(name);
      if (opened && !opened.isClosed && !opened.failure)
        throw new LogError("exists", `log ${name} is already open`);
      await opened?.close().catch(() => {});
      if (opened?.doubt) this.#doubts.set(name, opened.doubt);
      return this.#openLog(name, path, options);
    });
  }

  async delete(id: LogId): Promise<void> {
    const deleted = await this.#moveAway(id, deletedDirectoryName);
    if (deleted === null) return;
    const before = join(this.#directory.path, logDirectoryName(id));
    const pools = [this.#store.files, this.#durableStore.files];
    const unused = Promise.all(pools.map((files) => files.released(before)));
    this.#store.removals.removeDirectory(deleted, unused);
  }

  async setAside(id: LogId): Promise<void> {
    const aside = await this.#moveAway(id, strayDirectoryName);
    if (aside !== null) this.#store.report(`log ${logDirectoryName(id)}: set aside as ${aside}`);
  }

  /** Closes a log and renames its directory; null when the log does not exist. */
  #moveAway(id: LogId, nameOf: typeof deletedDirectoryName): Promise<string | null> {
    return this.#inTurn(id, async (name, path) => {
      const { fs } = this.#store;
      if ((await this.#topicIdOf(name, path)) !== id.topicId) return null;
      await this.#open
        .get(name)
        ?.abandon()
        .catch(() => {});
      this.#open.delete(name);
      this.#doubts.delete(name);
      const unique = Buffer.from(this.#env.random.bytes(16)).toString("hex");
      const away = join(this.#directory.path, nameOf(id, unique));
      await fs.rename(path, away);
      this.#store.removals.forgetIn(path);
      await fs.syncDirectory(this.#directory.path);
      return away;
    });
  }

  async list(): Promise<readonly LogId[]> {
    this.#refuseWhenClosed();
    const names = await this.#store.fs.list(this.#directory.path);
    const found = await inParallel(names, CONCURRENT_LOGS, async (name): Promise<LogId | null> => {
      const parsed = parseLogDirectoryName(name);
      if (!parsed) return null;
      const path = join(this.#directory.path, name);
      const topicId = await readTopicId(this.#store.fs, path).catch((error: unknown) => {
        this.#store.report(`log ${name} is ignored: ${(error as Error).message}`);
        return null;
      });
      return topicId === null ? null : { ...parsed, topicId };
    });
    return found.filter((id) => id !== null);
  }

  close({ clean = true } = {}): Promise<void> {
    this.#closed ??= this.#close(clean);
    return this.#closed;
  }

  async #close(clean: boolean): Promise<void> {
    await Promise.all(this.#turns.values());
    const logs = [...this.#open.values()];
    const failures = await inParallel(logs, CONCURRENT_LOGS, (log) => failureOf(log.close()));
    await this.#store.removals.close();
    await this.#store.disk.close();
    await this.#store.files.closeAll();
    await this.#durableStore.files.closeAll();
    const closed = failures.every((failure) => failure === null);
    for (const failure of failures) if (failure !== null) this.#store.report(failure);
    const sound = logs.every((log) => log.failure === null);
    await this.#directory.release(clean && closed && sound);
  }

  /** Null when there is no such log. */
  async #topicIdOf(name: string, path: string): Promise<string | null> {
    const found = this.#topicIds.get(name);
    // Only once: later it may have been created anew, or restored by the operator.
    this.#topicIds.delete(name);
    return found ?? readTopicId(this.#store.fs, path);
  }

  async #openLog(name: string, path: string, options: LogOptions): Promise<Log> {
    // An essential log that fails is opened only by the next process, which can't know of it.
    const mayHaveFailed = options.essential === true && !this.cleanlyClosed;
    const doubt = this.#doubts.get(name) ?? (mayHaveFailed ? ALL_UNSAVED : null);
    // If this fails, the next opening must not believe what the cache shows.
    if (doubt === null) this.#doubts.set(name, ALL_UNSAVED);
    const log = await SegmentLog.open(this.#storeFor(options), name, path, options, doubt);
    this.#doubts.delete(name);
    this.#open.set(name, log);
    return log;
  }

  #storeFor(options: LogOptions): Store {
    return options.essential ? this.#durableStore : this.#store;
  }

  /** Removes the directory that a crash during `create` leaves; it holds no batch yet. */
  async #clearUnfinished(name: string, path: string): Promise<void> {
    const { fs } = this.#store;
    if ((await fs.stat(path)) === null) return;
    const foreign = await firstForeignEntry(fs, path);
    if (foreign !== null) {
      const what = `cannot create log ${name}: ${path} exists and contains ${foreign}`;
      const error = new LogError("exists", `${what}, which belongs to no log; move it away`);
      this.#store.report(error.message);
      throw error;
    }
    await fs.remove(path);
    await fs.syncDirectory(this.#directory.path);
    this.#store.report(`log ${name}: removed files of a creation that a crash interrupted`);
  }

  async #inTurn<T>(id: LogId, work: (name: string, path: string) => Promise<T>): Promise<T> {
    this.#refuseWhenClosed();
    const name = logDirectoryName(id);
    const before = this.#turns.get(name) ?? Promise.resolve();
    const result = before.then(() => work(name, join(this.#directory.path, name)));
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#turns.set(name, settled);
    await settled;
    if (this.#turns.get(name) === settled) this.#turns.delete(name);
    return result.catch((cause: unknown) => {
      if (cause instanceof LogError) throw cause;
      void this.#store.disk.noticed(cause);
      const message = `cannot create, open or delete log ${name}: ${reasonOf(cause)}`;
      throw new LogError(isDiskFull(cause) ? "disk-full" : "offline", message, { cause });
    });
  }

  #flushLater(unsynced: { sync(): Promise<void> }): void {
    if (this.#flush.mode !== "interval") return;
    this.#unsynced.add(unsynced);
    if (this.#isFlushArmed) return;
    this.#isFlushArmed = true;
    this.#env.timers.after(this.#flush.intervalMs, () => {
      this.#isFlushArmed = false;
      const due = [...this.#unsynced];
      this.#unsynced.clear();
      for (const one of due) void one.sync();
    });
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new LogError("closed", "the engine is closed");
  }
}

async function failureOf(work: Promise<void>): Promise<string | null> {
  return work.then(
    () => null,
    (error: unknown) => reasonOf(error),
  );
}
