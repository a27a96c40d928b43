import { unusable } from "./errors.ts";

/**
 * How often a store may have its passwords hashed: a store says it itself, and with 2^31 it would
 * take minutes. Java and OpenSSL write 1,024 to 100,000 for each of the few parts of a store, and
 * Java reads no part with more than this. 5 million take some seconds.
 */
const MAX_ITERATIONS = 5_000_000;

/** What is left of the work that one store may ask for. */
export class Iterations {
  #left: number;

  constructor(most = MAX_ITERATIONS) {
    this.#left = most;
  }

  /** Throws KeystoreError. */
  spend(count: number): number {
    if (count < 1) throw unusable("its password is hashed 0 times");
    this.#left -= count;
    if (this.#left >= 0) return count;
    const most = MAX_ITERATIONS.toLocaleString("en");
    throw unusable(`its passwords are hashed more than ${most} times: no keystore needs that`);
  }
}
