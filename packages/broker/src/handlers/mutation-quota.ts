import { ErrorCode } from "@tarpan/protocol";
import { MAX_PARTITIONS_PER_REQUEST } from "../metadata/limits.ts";
import { type Outcome, refused } from "../metadata/outcome.ts";
import type { RequestContext } from "./handler.ts";

/**
 * Takes the partitions that a request creates or deletes from its client's
 * `controller_mutation_rate` (KIP-599). Clients that know of the quota are refused what they may
 * not do now; older ones are served and throttled.
 */
export class MutationQuota {
  readonly #context: RequestContext;
  readonly #isStrict: boolean;
  #throttleMs = 0;

  constructor(context: RequestContext, strictSince: number) {
    this.#context = context;
    this.#isStrict = context.version >= strictSince;
  }

  /** Whether the request may create or delete so many partitions more. */
  take(partitions: number): boolean {
    const { services, limits } = this.#context;
    const limit = limits?.controllerMutation ?? null;
    if (limit === null || partitions === 0) return true;
    // Refused anyway: a number with a few digits too many would lock the client out for weeks.
    if (partitions > MAX_PARTITIONS_PER_REQUEST) return true;
    if (this.#isStrict) {
      const throttleMs = services.quotas.mutationThrottleMs(limit);
      this.#throttleMs = Math.max(this.#throttleMs, throttleMs);
      if (throttleMs === 0) services.quotas.mutated(limit, partitions);
      return throttleMs === 0;
    }
    this.#throttleMs = services.quotas.mutated(limit, partitions);
    return true;
  }

  /** The items that the request may carry out, in their order, and the others. */
  split<T>(items: readonly T[], partitionsOf: (item: T) => number): Split<T> {
    const within: T[] = [];
    const above: T[] = [];
    for (const item of items) {
      if (this.take(partitionsOf(item))) within.push(item);
      else above.push(item);
    }
    return { within, above };
  }

  /** Throttles the client if it took too much. Returns for how long, ms. */
  throttle(): number {
    const { services, limits, connection } = this.#context;
    const limit = limits?.controllerMutation ?? null;
    if (limit !== null) services.quotas.throttle(limit, this.#throttleMs, connection);
    return this.#throttleMs;
  }
}

interface Split<T> {
  readonly within: readonly T[];
  readonly above: readonly T[];
}

/** Of each part of the request that the quota refuses. */
export const QUOTA_EXCEEDED: Outcome = refused(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
