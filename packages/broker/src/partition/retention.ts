import type { Env, Timer } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import type { Logger } from "../logging/logger.ts";
import { expiredBefore } from "./expired-before.ts";
import { FIRST_RETENTION_CHECK_MS } from "./limits.ts";
import { RetentionClock } from "./retention-clock.ts";
import type { PartitionStatus } from "./slot.ts";

interface RetentionParts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly logger: Logger;
  /** The partitions that this broker leads. */
  readonly partitions: { all(): Iterable<PartitionStatus> };
  readonly checkIntervalMs: () => number;
}

/**
 * Deletes the oldest records of partitions that this broker leads: `retention.ms`,
 * `retention.bytes`. Also closes segments that are too old (`segment.ms`) while nobody writes, so
 * that they can be deleted or compacted.
 */
export class Retention {
  /** Since the start. */
  readonly total = { deletedBytes: 0, deletedRecords: 0 };
  readonly #parts: RetentionParts;
  readonly #clock: RetentionClock;
  #timer: Timer | undefined;
  #checking: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isJumpTold = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#clock = new RetentionClock(parts.env.clock);
  }

  start(): void {
    this.#checkAfter(Math.min(FIRST_RETENTION_CHECK_MS, this.#parts.checkIntervalMs()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#checking;
  }

  #checkAfter(delayMs: number): void {
    this.#timer = this.#parts.env.timers.after(delayMs, () => {
      this.#checking = this.#check().finally(() => {
        if (!this.#isClosed) this.#checkAfter(this.#parts.checkIntervalMs());
      });
    });
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
    if (aheadMs > 0 && !this.#isJumpTold) {
      this.#parts.logger.warn(
        `the clock jumped ${Math.round(aheadMs / 1000)} s forward: retention counts that only ` +
          "after a day, so that a wrong clock deletes nothing. Correct the clock, or restart this " +
          "broker if it is right now",
      );
    }
    this.#isJumpTold = aheadMs > 0;
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
      this.total.deletedBytes += bytes;
      this.total.deletedRecords += offset - startOffset;
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
