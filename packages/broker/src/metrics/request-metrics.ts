import { Histogram } from "./histogram.ts";

/** Reading the clock once more takes 1 % of a small request, so only some requests are timed. */
const TIMED_ALWAYS = 1_000;
const TIMED_ONE_IN = 16;

const LATENCY_BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000];

/** Counts of one API since the broker started. */
export class ApiCounts {
  readonly apiKey: number;
  begun = 0;
  /** Requests that were answered. */
  requests = 0;
  readonly latency = new Histogram(LATENCY_BOUNDS_MS);
  /** Time the event loop worked for these requests before their first wait, ms; an estimate. */
  localMs = 0;
  /** Requests answered with a Kafka error, by its code. */
  readonly errors = new Map<number, number>();

  constructor(apiKey: number) {
    this.apiKey = apiKey;
  }

  /** For how many requests the time of the one that was begun last counts; 0: it is not timed. */
  get timedFor(): number {
    if (this.begun <= TIMED_ALWAYS) return 1;
    return this.begun % TIMED_ONE_IN === 0 ? TIMED_ONE_IN : 0;
  }

  /** Counts a begun request. `errorCode` is the first of the response; 0 if it has none. */
  answered(errorCode: number, latencyMs: number): void {
    this.requests++;
    this.latency.add(latencyMs);
    if (errorCode !== 0) this.errors.set(errorCode, (this.errors.get(errorCode) ?? 0) + 1);
  }
}

/** Counts requests as plain numbers; they become metrics only when /metrics is read. */
export class RequestMetrics {
  readonly #byKey: ApiCounts[] = [];

  /** Counts a request that begins. Only for served API keys: the table grows with the key. */
  begin(apiKey: number): ApiCounts {
    let counts = this.#byKey[apiKey];
    if (counts === undefined) {
      counts = new ApiCounts(apiKey);
      this.#byKey[apiKey] = counts;
    }
    counts.begun++;
    return counts;
  }

  /** The APIs that were requested so far. */
  all(): ApiCounts[] {
    return this.#byKey.filter((counts) => counts !== undefined);
  }
}
