import type { Clock } from "../env/env.ts";
import { CLOCK_JUMP_HELD_MS, CLOCK_JUMP_MIN_MS } from "./limits.ts";

/**
 * The wall clock as retention sees it: a jump forward counts only after it has lasted for a day, so
 * that a wrong clock does not delete everything at once. A jump back counts at once, because it
 * only keeps records for longer. The clock of the start is believed: the machine may have been off
 * for a long time.
 */
export class RetentionClock {
  readonly #clock: Clock;
  /** The wall clock when it was last believed, and the monotonic clock then. */
  #believedMs: number;
  #atMs: number;
  /** Since when the wall clock has been ahead, monotonic ms. */
  #aheadSinceMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#believedMs = clock.wallMs();
    this.#atMs = clock.monotonicMs();
  }

  /** `aheadMs`: how far the wall clock is ahead of `nowMs`; 0 when it is believed. */
  read(): { nowMs: number; aheadMs: number } {
    const wallMs = this.#clock.wallMs();
    const monotonicMs = this.#clock.monotonicMs();
    const expectedMs = this.#believedMs + monotonicMs - this.#atMs;
    if (wallMs - expectedMs > CLOCK_JUMP_MIN_MS) {
      this.#aheadSinceMs ??= monotonicMs;
      if (monotonicMs - this.#aheadSinceMs < CLOCK_JUMP_HELD_MS) {
        return { nowMs: expectedMs, aheadMs: wallMs - expectedMs };
      }
    }
    this.#aheadSinceMs = null;
    this.#believedMs = wallMs;
    this.#atMs = monotonicMs;
    return { nowMs: wallMs, aheadMs: 0 };
  }
}
