import type { QuotaWindow } from "../config/kafka/typed.ts";

/** What a response can tell: 24 days. */
export const MAX_THROTTLE_MS = 2 ** 31 - 1;

interface Sample {
  startMs: number;
  lastMs: number;
  sum: number;
}

/**
 * The amount per second over the last samples, with the arithmetic of Kafka's `Rate` and
 * `SampledStat`, so that throttle times are Kafka's. Times are whole milliseconds.
 *
 * A client that has just begun counts as if it had been silent for all complete samples. So it may
 * send at once what it may send in all of them.
 */
export class WindowedRate {
  readonly #window: QuotaWindow;
  readonly #samples: Sample[] = [];
  #current = 0;

  constructor(window: QuotaWindow) {
    this.#window = window;
  }

  /** A negative amount takes back what was recorded at the same time. */
  record(amount: number, nowMs: number): void {
    let sample = this.#currentAt(nowMs);
    if (nowMs - sample.startMs >= this.#window.sampleMs) sample = this.#advance(nowMs);
    sample.sum += amount;
    sample.lastMs = nowMs;
  }

  /** How long nothing must be recorded until the rate is down to `bound`, ms; 0 if it is. */
  throttleMs(bound: number, nowMs: number): number {
    this.#forget(nowMs);
    const spanMs = this.#spanMs(nowMs);
    const rate = this.#sum() / (spanMs / 1_000);
    if (rate <= bound) return 0;
    return Math.min(MAX_THROTTLE_MS, Math.round(((rate - bound) / bound) * spanMs));
  }

  /** The amount of all samples. */
  total(nowMs: number): number {
    this.#forget(nowMs);
    return this.#sum();
  }

  /** Whether it is as if nothing had been recorded. */
  isIdle(nowMs: number): boolean {
    return this.#samples.every(({ sum, lastMs }) => {
      return sum === 0 || nowMs - lastMs >= this.#expiryMs;
    });
  }

  get #expiryMs(): number {
    return this.#window.samples * this.#window.sampleMs;
  }

  #sum(): number {
    let sum = 0;
    for (const sample of this.#samples) sum += sample.sum;
    return sum;
  }

  #currentAt(nowMs: number): Sample {
    if (this.#samples.length === 0) this.#samples.push(emptySample(nowMs));
    return this.#samples[this.#current]!;
  }

  /** One more sample than the window has is kept: the oldest may overlap the window. */
  #advance(nowMs: number): Sample {
    this.#current = (this.#current + 1) % (this.#window.samples + 1);
    this.#samples[this.#current] = emptySample(nowMs);
    return this.#samples[this.#current]!;
  }

  #forget(nowMs: number): void {
    for (const [i, { lastMs }] of this.#samples.entries()) {
      if (nowMs - lastMs >= this.#expiryMs) this.#samples[i] = emptySample(nowMs);
    }
  }

  /** What the samples span, as if all samples but the current one were complete. */
  #spanMs(nowMs: number): number {
    const { samples, sampleMs } = this.#window;
    let startMs = nowMs;
    for (const sample of this.#samples) startMs = Math.min(startMs, sample.startMs);
    const elapsedMs = nowMs - startMs;
    const missing = Math.max(0, samples - 1 - Math.floor(elapsedMs / sampleMs));
    return Math.max(1, elapsedMs + missing * sampleMs);
  }
}

function emptySample(nowMs: number): Sample {
  return { startMs: nowMs, lastMs: nowMs, sum: 0 };
}
