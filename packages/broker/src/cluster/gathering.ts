import type { Env } from "../env/env.ts";
import type { LocalController } from "../metadata/local-controller.ts";
import { Occasion, overWithin } from "../util/coming.ts";
import { GATHERING_WAIT_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";

interface Parts {
  readonly env: Pick<Env, "timers">;
  readonly local: LocalController;
  readonly membership: Membership;
  /** Brokers that the configuration lists, this one included. */
  readonly listed: number;
}

/**
 * Brokers that start together register one after another, and clients come with the first. What
 * needs more of them than there are waits for those that are known to be on their way.
 */
export class Gathering {
  readonly #parts: Parts;
  readonly #waiting = new Set<{ readonly count: number; readonly there: Occasion }>();

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.local.onCommit(() => {
      for (const waiting of this.#waiting) if (this.#hold(waiting.count)) waiting.there.end();
    });
  }

  /** Resolves when this many replicas can be placed, when that is not to be hoped for, or late. */
  async expect(replicas: number): Promise<void> {
    const count = Math.min(replicas, this.#hoped());
    if (this.#hold(count)) return;
    const waiting = { count, there: new Occasion() };
    this.#waiting.add(waiting);
    await overWithin(waiting.there, GATHERING_WAIT_MS, this.#parts.env.timers);
    this.#waiting.delete(waiting);
  }

  /** As `placePartitions` asks for it. */
  #hold(replicas: number): boolean {
    const brokers = [...this.#parts.local.image.brokers.values()];
    const up = brokers.filter(({ fenced }) => !fenced).length;
    return brokers.length >= replicas && up * 2 > replicas;
  }

  #hoped(): number {
    const { local, membership, listed } = this.#parts;
    const known = new Set([...local.image.brokers.keys(), ...membership.liveIds()]);
    return Math.max(listed, known.size);
  }
}
