import type { QuotaWindow } from "../config/kafka/typed.ts";
import { MAX_THROTTLE_MS } from "./windowed-rate.ts";

/**
 * Tokens that come in at the rate of a quota, up to what comes in during its whole window; Kafka's
 * `TokenBucket`. Below zero the quota is used up. Other than with a rate, one large request does
 * not count for a whole window.
 */
export class TokenBucket {
  readonly #windowSeconds: number;
  /** Null for a full bucket: how much that is depends on the quota. */
  #tokens: number | null = null;
  #filledMs = 0;
  #bound = 0;

  constructor({ samples, sampleMs }: QuotaWindow) {
    this.#windowSeconds = (samples * sampleMs) / 1_000;
  }

  take(tokens: number, bound: number, nowMs: number): void {
    this.#tokens = this.#fill(bound, nowMs) - tokens;
  }

  /** How long it takes until there are tokens again, ms; 0 if it is not below zero. */
  throttleMs(bound: number, nowMs: number): number {
    const tokens = this.#fill(bound, nowMs);
    if (tokens >= 0) return 0;
    return Math.min(MAX_THROTTLE_MS, Math.round((-tokens / bound) * 1_000));
  }

  /** Whether it is full, by the quota that it was asked about last. */
  isIdle(nowMs: number): boolean {
    return this.#fill(this.#bound, nowMs) >= this.#bound * this.#windowSeconds;
  }

  #fill(bound: number, nowMs: number): number {
    const most = bound * this.#windowSeconds;
    const grown = (bound * (nowMs - this.#filledMs)) / 1_000;
    this.#filledMs = nowMs;
    this.#bound = bound;
    this.#tokens = this.#tokens === null ? most : Math.min(most, this.#tokens + grown);
    return this.#tokens;
  }
}
