import type { Env } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { Logger } from "../logging/logger.ts";
import { expiredBefore } from "./expired-before.ts";
import { RepeatedWork } from "./repeated-work.ts";
import { RetentionClock } from "./retention-clock.ts";
import type { PartitionStatus } from "./slot.ts";

/** The broker configs of these names, as they are now. */
export interface RetentionTimes {
  readonly logInitialTaskDelayMs: number;
  readonly logRetentionCheckIntervalMs: number;
}

interface RetentionParts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly logger: Logger;
  /** The partitions that this broker leads. */
  readonly partitions: { all(): Iterable<PartitionStatus> };
  readonly times: () => RetentionTimes;
}

/**
 * Deletes the oldest records of partitions that this broker leads: `retention.ms`,
 * `retention.bytes`. Also closes segments that are too old (`segment.ms`) while nobody writes, so
 * that they can be deleted or compacted.
 */
export class Retention {
  /** `clockAheadMs`: see RetentionClock; at the last check. */
  readonly counts = { deletedBytes: 0, clockAheadMs: 0 };
  readonly #parts: RetentionParts;
  readonly #clock: RetentionClock;
  readonly #work: RepeatedWork;
  #isClosed = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#clock = new RetentionClock(parts.env.clock);
    const { env, logger } = parts;
    const delayMs = () => parts.times().logRetentionCheckIntervalMs;
    this.#work = new RepeatedWork({
      ...{ env, logger, delayMs, name: "retention", run: () => this.#check() },
    });
  }

  start(): void {
    this.#work.start(this.#parts.times().logInitialTaskDelayMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work.close();
  }

  async #check(): Promise<void> {
    const nowMs = this.#now();
    for (const status of [...this.#parts.partitions.all()]) {
      if (this.#isClosed) return;
      if (status.partition === null || status.failure !== null) continue;
      await this.#checkOne(status.partition, status.hosted.settings, nowMs);
    }
  }

  #now(): number {
    const { nowMs, aheadMs } = this.#clock.read();
    if (aheadMs > 0 && this.counts.clockAheadMs === 0) {
      this.#parts.logger.warn(
        `the clock jumped ${Math.round(aheadMs / 1000)} s forward: retention counts that only ` +
          "after a day, so that a wrong clock deletes nothing. Correct the clock, or restart this " +
          "broker if it is right now",
      );
    }
    this.counts.clockAheadMs = aheadMs;
    return nowMs;
  }

  async #checkOne(
    partition: NonNullable<PartitionStatus["partition"]>,
    settings: PartitionStatus["hosted"]["settings"],
    nowMs: number,
  ): Promise<void> {
    const { log, id } = partition;
    const name = `${id.topic}-${id.partition}`;
    try {
      await log.rollIfOld?.();
      const offset = await expiredBefore(log, settings, nowMs);
      const { startOffset, sizeBytes } = log;
      if (offset === null || offset <= startOffset) return;
      await log.deleteBefore(offset);
      const bytes = Math.max(0, sizeBytes - log.sizeBytes);
      this.counts.deletedBytes += bytes;
      this.#parts.logger.info(
        `${name}: retention deleted offsets ${startOffset} to ${offset - 1}, ${bytes} bytes`,
      );
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const isClosing = error.kind === "closed" || error.kind === "fenced";
      if (!isClosing) this.#parts.logger.warn(`${name}: retention failed: ${error.message}`);
    }
  }
}
