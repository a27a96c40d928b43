import type { Clock } from "../env/env.ts";

/** Slower changes than this between two looks are corrections, not jumps. */
const JUMP_MS = 60_000;

/**
 * Notices when the wall clock jumps, by the clock that never does. What expires by the wall clock
 * gets its whole time again from then on: otherwise everything would expire at once.
 */
export class ClockJumps {
  readonly #clock: Clock;
  #aheadMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#aheadMs = clock.wallMs() - clock.monotonicMs();
  }

  /** When the last jump was noticed, wall ms; -Infinity if there was none. Ask regularly. */
  lastMs(): number {
    const wallMs = this.#clock.wallMs();
    const aheadMs = wallMs - this.#clock.monotonicMs();
    if (Math.abs(aheadMs - this.#aheadMs) >= JUMP_MS) this.#lastMs = wallMs;
    this.#aheadMs = aheadMs;
    return this.#lastMs;
  }
}
