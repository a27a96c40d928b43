import type { Clock } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { DELIVERY_WARNING_MS, TARGET_RETRIES_PER_SECOND, TARGET_RETRY_MS } from "./limits.ts";
import type { Plan } from "./planner.ts";

/** When messages are looked at again whose target is missing; the operator is told of them. */
export class TargetRetries {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** When the last of them is looked at again, monotonic ms. */
  #toMs = 0;
  /** When the operator may be told again, monotonic ms. */
  #tellMs = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** For the messages of one round, which are put behind those of the rounds before. */
  delayMs({ later, laterReason }: Pick<Plan, "later" | "laterReason">): number {
    const nowMs = this.#clock.monotonicMs();
    const spentMs = Math.floor((later.length * 1_000) / TARGET_RETRIES_PER_SECOND);
    this.#toMs = Math.max(nowMs + TARGET_RETRY_MS, this.#toMs + spentMs);
    if (nowMs >= this.#tellMs) {
      this.#tellMs = nowMs + DELIVERY_WARNING_MS;
      this.#logger.warn(`messages whose time has come wait, the first for ${laterReason}`);
    }
    return Math.round(this.#toMs - nowMs);
  }
}
