// Reports retries to the application (`onTrouble`): without it, an outage would not be visible
// until the retries give up.
//
// 1. One report per client, however many operations fail: first TROUBLE_AFTER_MS after the first
//    failure, then every TROUBLE_AGAIN_MS, and "recovered" when the last of them succeeds.
// 2. No "recovered" follows an operation that gives up: its promise rejects.
import { TROUBLE_AFTER_MS, TROUBLE_AGAIN_MS } from "../limits.ts";

/** What happens to an operation that no caller waits for, or that a caller waits for too long. */
export interface Trouble {
  /**
   * `retrying`: it has failed for 2 s, and is still retried. `recovered`: it succeeds again.
   * `failed`: it is not retried, such as a listener of a CheckBackProducer that throws.
   */
  readonly kind: "retrying" | "recovered" | "failed";
  /** The operation, such as `sending to orders-0`. */
  readonly what: string;
  /** The last failure; null once recovered. */
  readonly error: Error | null;
  /** Time since the first failure, ms. */
  readonly sinceMs: number;
}

export type OnTrouble = (trouble: Trouble) => void;

export class Troubles {
  readonly #onTrouble: OnTrouble | undefined;
  /** When each began to fail, oldest first. */
  readonly #failing = new Map<Operation, number>();
  /** Of any operation: one that is part of another may know the cause better. */
  #lastError!: Error;
  #timer: NodeJS.Timeout | undefined;
  #reported: { readonly what: string; readonly since: number } | null = null;

  constructor(onTrouble: OnTrouble | undefined) {
    this.#onTrouble = onTrouble;
  }

  operation(what: string): Operation {
    return new Operation(this, what);
  }

  /** Reports at once what has failed and is not retried. */
  report(what: string, error: Error): void {
    this.#onTrouble?.({ kind: "failed", what, error, sinceMs: 0 });
  }

  failed(operation: Operation, error: Error): void {
    if (this.#onTrouble === undefined) return;
    this.#lastError = error;
    if (!this.#failing.has(operation)) this.#failing.set(operation, performance.now());
    if (this.#timer === undefined) this.#reportIn(TROUBLE_AFTER_MS);
  }

  ended(operation: Operation, succeeded: boolean): void {
    if (!this.#failing.delete(operation) || this.#failing.size > 0) return;
    const reported = this.#reported;
    this.close();
    if (reported === null || !succeeded) return;
    const sinceMs = performance.now() - reported.since;
    this.#onTrouble?.({ kind: "recovered", what: reported.what, error: null, sinceMs });
  }

  /** Drops the operations that fail now: nothing more is reported of them. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failing.clear();
    this.#reported = null;
  }

  #reportIn(ms: number): void {
    this.#timer = setTimeout(() => this.#report(), ms).unref();
  }

  #report(): void {
    this.#reportIn(TROUBLE_AGAIN_MS);
    const [longest] = this.#failing;
    const [{ what }, since] = longest!;
    const error = this.#lastError;
    this.#reported ??= { what, since };
    this.#onTrouble?.({ kind: "retrying", what, error, sinceMs: performance.now() - since });
  }
}

/** An operation that may be retried. */
export class Operation {
  readonly what: string;
  readonly #troubles: Troubles;
  #failing = false;

  constructor(troubles: Troubles, what: string) {
    this.#troubles = troubles;
    this.what = what;
  }

  failed(error: Error, willRetry: boolean): void {
    if (willRetry) {
      this.#failing = true;
      this.#troubles.failed(this, error);
    } else this.#end(false);
  }

  worked(): void {
    this.#end(true);
  }

  /** It is not tried any more: nothing more is reported of it. */
  abandoned(): void {
    this.#end(false);
  }

  #end(succeeded: boolean): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#troubles.ended(this, succeeded);
  }
}
