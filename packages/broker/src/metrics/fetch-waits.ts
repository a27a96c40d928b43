/** Fetches that wait because there are fewer bytes than their `fetch.min.bytes`. */
export class FetchWaits {
  /** That wait now. */
  waiting = 0;
  /** Waits since the broker started; a fetch may wait more than once. */
  waits = 0;
  /** The time of the waits that are over, ms. */
  waitedMs = 0;

  begin(): void {
    this.waiting++;
    this.waits++;
  }

  end(durationMs: number): void {
    this.waiting--;
    this.waitedMs += durationMs;
  }
}
