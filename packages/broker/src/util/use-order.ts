/** What a UseOrder keeps in each of its entries. */
export interface InUseOrder<T> {
  /** The one that was used last before it. */
  earlier: T | null;
  later: T | null;
}

/**
 * Entries in the order of their last use. Every step takes the same time, however many there are: a
 * Map in this order has to pass over what was deleted at its front to find the oldest entry.
 */
export class UseOrder<T extends InUseOrder<T>> {
  #oldest: T | null = null;
  #newest: T | null = null;

  get oldest(): T | null {
    return this.#oldest;
  }

  /** Adds it, or moves it: it is the one that was used last. */
  used(entry: T): void {
    if (this.#newest === entry) return;
    this.remove(entry);
    entry.earlier = this.#newest;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.later = entry;
    this.#newest = entry;
  }

  /** Does nothing if it is not there. */
  remove(entry: T): void {
    const { earlier, later } = entry;
    if (earlier !== null) earlier.later = later;
    else if (this.#oldest === entry) this.#oldest = later;
    else return;
    if (later !== null) later.earlier = earlier;
    else this.#newest = earlier;
    entry.earlier = null;
    entry.later = null;
  }

  /** From the oldest on. An entry may be removed while it is the current one. */
  *[Symbol.iterator](): Generator<T> {
    for (let entry = this.#oldest; entry !== null; ) {
      const { later } = entry;
      yield entry;
      entry = later;
    }
  }
}
