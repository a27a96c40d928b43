/** Upper bounds of the latency buckets, ms; one more bucket counts longer requests. */
export const LATENCY_BUCKETS_MS: readonly number[] = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000,
];

/** Counts of one API since the broker started. */
export interface ApiCounts {
  readonly apiKey: number;
  requests: number;
  /** Sum of all latencies, ms. */
  latencySumMs: number;
  /** Requests per latency bucket, not cumulative; one longer than LATENCY_BUCKETS_MS. */
  readonly latencyCounts: Float64Array;
  /** Requests answered with a Kafka error, by its code. */
  readonly errors: Map<number, number>;
}

/** Counts requests as plain numbers; they become metrics only when /metrics is read. */
export class RequestMetrics {
  readonly #byKey: ApiCounts[] = [];

  /**
   * Counts one answered request. `errorCode` is the first error code of the response, 0 if it has
   * none. Only for API keys that are served: the table grows with the key.
   */
  record(apiKey: number, errorCode: number, latencyMs: number): void {
    const counts = this.#byKey[apiKey] ?? this.#add(apiKey);
    counts.requests++;
    counts.latencySumMs += latencyMs;
    let bucket = 0;
    while (bucket < LATENCY_BUCKETS_MS.length && latencyMs > LATENCY_BUCKETS_MS[bucket]!) bucket++;
    counts.latencyCounts[bucket]!++;
    if (errorCode !== 0) counts.errors.set(errorCode, (counts.errors.get(errorCode) ?? 0) + 1);
  }

  /** The APIs that were requested so far. */
  all(): ApiCounts[] {
    return this.#byKey.filter((counts) => counts !== undefined);
  }

  #add(apiKey: number): ApiCounts {
    const latencyCounts = new Float64Array(LATENCY_BUCKETS_MS.length + 1);
    const counts = { apiKey, requests: 0, latencySumMs: 0, latencyCounts, errors: new Map() };
    this.#byKey[apiKey] = counts;
    return counts;
  }
}
