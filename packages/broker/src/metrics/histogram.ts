/** Counts durations as plain numbers; they become a metric only when /metrics is read. */
export class Histogram {
  /** Upper bounds of the buckets, ms, ascending; one more bucket counts longer durations. */
  readonly boundsMs: readonly number[];
  /** Durations per bucket, not cumulative. */
  readonly counts: Float64Array;
  sumMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs;
    this.counts = new Float64Array(boundsMs.length + 1);
  }

  add(durationMs: number): void {
    const { boundsMs, counts } = this;
    this.sumMs += durationMs;
    let bucket = 0;
    while (bucket < boundsMs.length && durationMs > boundsMs[bucket]!) bucket++;
    counts[bucket]!++;
  }
}

const FLUSH_BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000];

/** For the time that a log needs to make its records durable. */
export function newFlushHistogram(): Histogram {
  return new Histogram(FLUSH_BOUNDS_MS);
}
