import { Deadline } from "../connection/retry.ts";
import { isRetriable } from "../errors.ts";
import type { Membership } from "./membership.ts";

/** Commits at intervals, in the background. */
export class AutoCommit {
  readonly #intervalMs: number;
  readonly #membership: Membership;
  readonly #commit: () => Promise<void>;
  #due: Deadline;
  #error: Error | null = null;

  constructor(intervalMs: number, membership: Membership, commit: () => Promise<void>) {
    this.#intervalMs = intervalMs;
    this.#membership = membership;
    this.#commit = commit;
    this.#due = new Deadline(intervalMs);
  }

  /** Starts a commit if one is due. Throws why the last one failed. */
  attend(): void {
    const failed = this.#error;
    this.#error = null;
    if (failed !== null) throw failed;
    if (this.#due.remainingMs > 0 || this.#membership.joining !== null) return;
    this.#due = new Deadline(this.#intervalMs);
    this.#commit().catch((error: Error) => {
      // A retriable error is retried at the next interval; membership errors were handled already.
      if (!isRetriable(error) && !this.#membership.wantsAttention) this.#error = error;
    });
  }
}
