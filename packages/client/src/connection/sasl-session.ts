/** A broker takes no new log-in earlier than this after the last one, ms; Kafka's limit. */
const MIN_INTERVAL_MS = 1_000;

/** As Kafka's clients: not all connections log in at the same time. */
const EARLIEST = 0.85;
const LATEST = 0.95;

/** How long a connection's log-in counts (KIP-368). */
export class SaslSession {
  readonly #endMs: number;
  #dueMs: number;

  /** `lifetimeMs` as a broker tells it: 0 if the session does not end. */
  constructor(lifetimeMs: number, nowMs = performance.now()) {
    const share = EARLIEST + (LATEST - EARLIEST) * Math.random();
    const endless = lifetimeMs <= 0;
    this.#endMs = endless ? Number.POSITIVE_INFINITY : nowMs + lifetimeMs;
    this.#dueMs = endless
      ? Number.POSITIVE_INFINITY
      : nowMs + Math.max(share * lifetimeMs, MIN_INTERVAL_MS);
  }

  get ends(): boolean {
    return this.#endMs !== Number.POSITIVE_INFINITY;
  }

  /** Whether it is time to log in anew. */
  isDue(nowMs = performance.now()): boolean {
    return nowMs >= this.#dueMs;
  }

  /** Time until a new log-in is taken, ms. A session may be shorter than that. */
  dueInMs(nowMs = performance.now()): number {
    return Math.max(0, this.#dueMs - nowMs);
  }

  /** Whether the broker serves nothing more before a new log-in. */
  isOver(nowMs = performance.now()): boolean {
    return nowMs >= this.#endMs;
  }

  /** After a failed attempt. */
  tryLater(nowMs = performance.now()): void {
    this.#dueMs = Math.min(nowMs + MIN_INTERVAL_MS, Math.max(this.#endMs, nowMs));
  }
}
