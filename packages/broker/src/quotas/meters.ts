/** What a client has used of a quota. */
interface Meter {
  /** Whether a new meter would be the same. */
  isIdle(nowMs: number): boolean;
}

/** Meters kept at least, before idle ones are looked for. */
const LEAST_METERS = 1_024;

/**
 * Meters kept at most, about 0.3 KiB each. A client with more client ids than this evades a quota
 * of single client ids; a quota of its user stops it.
 */
export const MAX_METERS = 100_000;

/**
 * The meters of one quota by whom it limits. An idle meter is dropped, which loses nothing: a
 * client that comes with a million client ids does not fill the memory.
 */
export class Meters<M extends Meter> {
  readonly #create: () => M;
  readonly #byKey = new Map<string, M>();
  #sweepAt = LEAST_METERS;

  constructor(create: () => M) {
    this.#create = create;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** `onDropped` is called if others were dropped, which must not be used any more. */
  of(key: string, nowMs: number, onDropped: () => void): M {
    let meter = this.#byKey.get(key);
    if (meter !== undefined) return meter;
    if (this.#byKey.size >= this.#sweepAt) this.#sweep(nowMs, onDropped);
    meter = this.#create();
    this.#byKey.set(key, meter);
    return meter;
  }

  /** Drops as many as come between two sweeps, so that sweeps cost little. */
  #sweep(nowMs: number, onDropped: () => void): void {
    const before = this.#byKey.size;
    for (const [key, meter] of this.#byKey) if (meter.isIdle(nowMs)) this.#byKey.delete(key);
    let excess = this.#byKey.size - MAX_METERS / 2;
    if (before >= MAX_METERS) {
      for (const key of this.#byKey.keys()) if (excess-- > 0) this.#byKey.delete(key);
    }
    this.#sweepAt = Math.min(MAX_METERS, Math.max(LEAST_METERS, 2 * this.#byKey.size));
    if (this.#byKey.size < before) onDropped();
  }
}
