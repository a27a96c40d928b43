import type { Clock } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import type { HeldState } from "./held-state.ts";
import { DELIVERY_WARNING_MS } from "./limits.ts";

/** Tells the operator of resolutions that found no message, without a line for each. */
export class IgnoredResolutions {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #partition: string;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, logger: Logger, partition: string) {
    this.#clock = clock;
    this.#logger = logger;
    this.#partition = partition;
  }

  /** After records were applied. */
  tell(state: Pick<HeldState, "ignoredOffset">): void {
    if (state.ignoredOffset < 0) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < DELIVERY_WARNING_MS) return;
    this.#toldMs = nowMs;
    this.#logger.info(
      `resolutions are ignored, the last at offset ${state.ignoredOffset} of ${this.#partition}: ` +
        "no such message of that producer group waits; it was resolved before, or never sent",
    );
    state.ignoredOffset = -1;
  }
}
