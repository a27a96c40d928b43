import type { Env } from "../env/env.ts";
import type { CleaningWork } from "../log/compaction/cleaning-work.ts";
import type { CompactionResult, Dirt } from "../log/compaction/compactor.ts";
import { KEY_BYTES } from "../log/compaction/key-offsets.ts";
import type { Log } from "../log/log.ts";
import { LogError } from "../log/log-error.ts";
import type { Logger } from "../logging/logger.ts";
import { isInternalTopic } from "../metadata/topic-names.ts";
import { forPermitted } from "./io-throttle.ts";
import type { Partition } from "./partition.ts";
import { RepeatedWork } from "./repeated-work.ts";
import { RetentionClock } from "./retention-clock.ts";
import type { HostedPartition, PartitionSettings, PartitionStatus } from "./slot.ts";

/** The broker configs `log.cleaner.*`, as they are now. */
export interface CleanerConfig {
  readonly logCleanerEnable: boolean;
  readonly logCleanerBackoffMs: number;
  readonly logCleanerDedupeBufferSize: number;
  readonly logCleanerIoBufferLoadFactor: number;
  readonly logCleanerIoMaxBytesPerSecond: number;
}

interface LogCleanerParts {
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  readonly logger: Logger;
  /** The partitions that this broker leads. */
  readonly partitions: {
    all(): Iterable<PartitionStatus>;
    /** Null when this broker does not lead it any more. */
    settingsOf(partition: Partition): PartitionSettings | null;
  };
  readonly config: () => CleanerConfig;
  readonly work: CleaningWork;
}

interface Candidate {
  readonly partition: Partition;
  readonly hosted: HostedPartition;
  readonly dirt: Dirt;
  /** The part of the log that could be compacted and is not. */
  readonly ratio: number;
}

/**
 * Compacts partitions that this broker leads, one at a time, the dirtiest first (Kafka's LogCleaner
 * and LogCleanerManager).
 */
export class LogCleaner {
  /** Since the start. */
  readonly total = { runs: 0, readBytes: 0, writtenBytes: 0, freedBytes: 0, busyMs: 0 };
  /** Of the dirtiest partition at the last check. */
  maxDirtyRatio = 0;
  readonly #parts: LogCleanerParts;
  readonly #clock: RetentionClock;
  /** Why a log can't be compacted: until it is opened again, or there is more memory. */
  readonly #uncleanable = new WeakMap<Log, { reason: string; memoryBytes: number }>();
  /** Why a run failed that is tried again: each reason is logged once. */
  readonly #failures = new WeakMap<Log, string>();
  readonly #work: RepeatedWork;
  readonly #closing = new AbortController();
  /** When the last check began, monotonic. */
  #lastCheckMs: number | null = null;

  constructor(parts: LogCleanerParts) {
    this.#parts = parts;
    this.#clock = new RetentionClock(parts.env.clock);
    this.#work = new RepeatedWork({
      ...{ env: parts.env, logger: parts.logger, name: "the log cleaner" },
      run: () => this.#check(),
      delayMs: () => parts.config().logCleanerBackoffMs,
    });
  }

  /** Since it last looked for what to compact; null before the first time. */
  get sinceCheckMs(): number | null {
    const last = this.#lastCheckMs;
    return last === null ? null : this.#parts.env.clock.monotonicMs() - last;
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  start(): void {
    this.#work.start();
  }

  /** Ends a run in progress. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work.close();
    this.#parts.work.close();
  }

  /** Partitions that can't be compacted, with the reason. */
  *uncleanable(): Generator<{ hosted: HostedPartition; reason: string }> {
    for (const { hosted, partition } of this.#parts.partitions.all()) {
      const reason = partition === null ? null : this.#reasonNot(partition.log);
      if (reason !== null && hosted.settings.compact) yield { hosted, reason };
    }
  }

  /** Compacts until nothing is dirty enough. Each partition is compacted once. */
  async #check(): Promise<void> {
    const tried = new Set<Log>();
    for (;;) {
      if (this.#isClosed || !this.#parts.config().logCleanerEnable) return;
      this.#lastCheckMs = this.#parts.env.clock.monotonicMs();
      const next = await this.#dirtiest(tried);
      if (next === null) return;
      if (!(await this.#clean(next))) tried.add(next.partition.log);
    }
  }

  async #dirtiest(tried: ReadonlySet<Log>): Promise<Candidate | null> {
    let found: Candidate | null = null;
    let maxRatio = 0;
    for (const status of [...this.#parts.partitions.all()]) {
      const candidate = await this.#measure(status);
      if (candidate === null) continue;
      maxRatio = Math.max(maxRatio, candidate.ratio);
      if (tried.has(candidate.partition.log) || !this.#isDue(candidate)) continue;
      if (found === null || candidate.ratio > found.ratio) found = candidate;
    }
    this.maxDirtyRatio = maxRatio;
    return found;
  }

  async #measure({ hosted, partition, failure }: PartitionStatus): Promise<Candidate | null> {
    if (partition === null || failure !== null || !hosted.settings.compact) return null;
    // A coordinator shortens its log by snapshots. Without a record that has the same key as a
    // later one, offsets of transactions would be lost (ADR 37).
    if (isInternalTopic(hosted.id.topic)) return null;
    const { compactor } = partition.log;
    if (this.#isClosed || this.#reasonNot(partition.log) !== null) return null;
    try {
      const { minCompactionLagMs } = hosted.settings;
      const dirt = await compactor.measure(minCompactionLagMs, this.#clock.read().nowMs);
      if (dirt === null) return null;
      const ratio = dirt.dirtyBytes / (dirt.dirtyBytes + dirt.cleanBytes);
      return { partition, hosted, dirt, ratio };
    } catch (error) {
      this.#tell(partition, error);
      return null;
    }
  }

  /** Dirty enough, or a record has waited for too long. */
  #isDue({ hosted, dirt, ratio }: Candidate): boolean {
    const { minCleanableDirtyRatio, maxCompactionLagMs } = hosted.settings;
    const latestMs = this.#clock.read().nowMs - maxCompactionLagMs;
    return ratio > minCleanableDirtyRatio || (dirt.oldestMs !== null && dirt.oldestMs < latestMs);
  }

  /** True when there was no memory for all keys, so that another run is due. */
  async #clean({ partition, hosted }: Candidate): Promise<boolean> {
    const { env, config, logger } = this.#parts;
    const { log } = partition;
    const beganMs = env.clock.monotonicMs();
    try {
      // Sequences, leader epochs and message ids can't be read again from what compaction leaves.
      const checkpointedTo = await partition.checkpointedTo();
      const result = await log.compactor.compact({
        // Whether the records of an open transaction count is not known yet.
        upTo: Math.min(checkpointedTo, partition.lastStableOffset),
        aborted: partition.abortedRanges(),
        ...requestOf(hosted.settings, config()),
        seed: new DataView(env.random.bytes(4).buffer).getInt32(0),
        nowMs: this.#clock.read().nowMs,
        producers: partition.lastOffsetsOfProducers(),
        work: this.#parts.work,
        throttle: forPermitted(
          env,
          () => config().logCleanerIoMaxBytesPerSecond,
          this.#closing.signal,
        ),
        isWanted: () => this.#isWanted(partition),
      });
      this.#failures.delete(log);
      await partition.compacted(result.cleanedTo, env.clock.monotonicMs());
      this.#count(result);
      logger.info(`${nameOf(partition)}: compacted`, { ...result });
      return result.isPartial;
    } catch (error) {
      this.#tell(partition, error);
      return false;
    } finally {
      this.total.busyMs += env.clock.monotonicMs() - beganMs;
    }
  }

  /** A run ends when the policy was changed, or the partition is led by another broker. */
  #isWanted(partition: Partition): boolean {
    const { partitions, config } = this.#parts;
    if (this.#isClosed || !config().logCleanerEnable) return false;
    return partitions.settingsOf(partition)?.compact === true;
  }

  #count({ readBytes, writtenBytes, freedBytes }: CompactionResult): void {
    const { total } = this;
    total.runs += 1;
    total.readBytes += readBytes;
    total.writtenBytes += writtenBytes;
    total.freedBytes += freedBytes;
  }

  #reasonNot(log: Log): string | null {
    const known = this.#uncleanable.get(log);
    if (known === undefined) return null;
    return known.memoryBytes === this.#parts.config().logCleanerDedupeBufferSize
      ? known.reason
      : null;
  }

  #tell(partition: Partition, error: unknown): void {
    if (!(error instanceof LogError)) throw error;
    const { log } = partition;
    const { logger, config } = this.#parts;
    const { kind, message: reason } = error;
    const name = nameOf(partition);
    if (kind === "closed") logger.debug(`${name}: ${reason}`);
    else if (kind === "corrupt" || kind === "busy") {
      this.#uncleanable.set(log, { reason, memoryBytes: config().logCleanerDedupeBufferSize });
      logger.error(`${name} can't be compacted, and keeps all records: ${reason}`);
    } else if (this.#failures.get(log) !== reason) {
      this.#failures.set(log, reason);
      logger.warn(`${name}: compaction failed, and is tried again: ${reason}`);
    }
  }
}

function requestOf({ minCompactionLagMs, deleteRetentionMs }: PartitionSettings, c: CleanerConfig) {
  return {
    slots: Math.floor(c.logCleanerDedupeBufferSize / KEY_BYTES),
    loadFactor: c.logCleanerIoBufferLoadFactor,
    minLagMs: minCompactionLagMs,
    deleteRetentionMs,
  };
}

function nameOf({ id }: Partition): string {
  return `${id.topic}-${id.partition}`;
}
