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

  /** For each part of the request, whether it may create or delete so many partitions. */
  async take(asked: readonly number[]): Promise<readonly boolean[]> {
    const { services, limits, connection, clientId } = this.#context;
    if (limits?.controllerMutation == null) return asked.map(() => true);
    // Refused anyway: a number with a few digits too many would lock the client out for weeks.
    const partitions = asked.map((count) => (count > MAX_PARTITIONS_PER_REQUEST ? 0 : count));
    const of = { user: connection.principal.name, clientId, isStrict: this.#isStrict };
    const { throttleMs, granted } = await services.takeMutations({ ...of, partitions });
    this.#throttleMs = throttleMs;
    return granted;
  }

  /** The items that the request may carry out, in their order, and the others. */
  async split<T>(items: readonly T[], partitionsOf: (item: T) => number): Promise<Split<T>> {
    const granted = await this.take(items.map(partitionsOf));
    return {
      within: items.filter((_, index) => granted[index]),
      above: items.filter((_, index) => !granted[index]),
    };
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
