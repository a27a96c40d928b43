import { isRetriable, TimeoutError } from "../errors.ts";
import { RETRY_BACKOFF_MAX_MS, RETRY_BACKOFF_MS } from "../limits.ts";
import type { Operation } from "./trouble.ts";

/** A time on the monotonic clock after which nothing is retried. */
export class Deadline {
  readonly #at: number;
  readonly #budgetMs: number;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
    this.#at = performance.now() + budgetMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#at - performance.now());
  }

  get budgetMs(): number {
    return this.#budgetMs;
  }
}

/**
 * Runs `attempt` until it succeeds or fails with an error that is not retriable. Once `deadline`
 * has passed it rejects with TimeoutError, whose cause is the last failure.
 */
export async function retrying<T>(
  operation: Operation,
  deadline: Deadline,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      const result = await attempt();
      operation.worked();
      return result;
    } catch (error) {
      const waitMs = backoffMs(tries);
      const again = isRetriable(error) && waitMs < deadline.remainingMs;
      operation.failed(error as Error, again);
      if (!isRetriable(error)) throw error;
      if (!again)
        throw new TimeoutError(
          `${operation.what} did not succeed within ${deadline.budgetMs} ms: ${(error as Error).message}`,
          error,
        );
      await sleep(waitMs);
    }
  }
}

/**
 * Doubles with each try, with 20 % of jitter so that clients do not all retry at once (KIP-580).
 */
export function backoffMs(tries: number): number {
  const full = Math.min(RETRY_BACKOFF_MAX_MS, RETRY_BACKOFF_MS * 2 ** Math.min(tries, 10));
  return full * (0.8 + 0.4 * Math.random());
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
