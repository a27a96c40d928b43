import type { Env } from "../env/env.ts";
import type { LocalController } from "../metadata/local-controller.ts";
import { Latch, openWithin } from "../util/latch.ts";
import { BROKERS_EXPECTED_WAIT_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";

interface Parts {
  readonly env: Pick<Env, "timers">;
  readonly local: LocalController;
  readonly membership: Membership;
  /** Brokers that the configuration lists, this one included. */
  readonly listed: number;
}

/**
 * Lets requests wait for brokers that are expected to register. Brokers that start together
 * register one after another, and clients connect as soon as the first one serves: without this, a
 * topic with three replicas would be refused then.
 */
export class ExpectedBrokers {
  readonly #parts: Parts;
  readonly #waiting = new Set<{ readonly count: number; readonly there: Latch }>();

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.local.onCommit(() => {
      for (const waiting of this.#waiting) if (this.#canPlace(waiting.count)) waiting.there.open();
    });
  }

  /** Resolves when as many of `replicas` as are expected can be placed, or after a time limit. */
  async waitFor(replicas: number): Promise<void> {
    const count = Math.min(replicas, this.#expectedBrokers());
    if (this.#canPlace(count)) return;
    const waiting = { count, there: new Latch() };
    this.#waiting.add(waiting);
    await openWithin(waiting.there, BROKERS_EXPECTED_WAIT_MS, this.#parts.env.timers);
    this.#waiting.delete(waiting);
  }

  /** By the same rule as `placePartitions`. */
  #canPlace(replicas: number): boolean {
    const brokers = [...this.#parts.local.image.brokers.values()];
    const up = brokers.filter(({ fenced }) => !fenced).length;
    return brokers.length >= replicas && up * 2 > replicas;
  }

  #expectedBrokers(): number {
    const { local, membership, listed } = this.#parts;
    const known = new Set([...local.image.brokers.keys(), ...membership.liveIds()]);
    return Math.max(listed, known.size);
  }
}
