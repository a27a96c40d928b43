/**
 * Calls that have to begin in the order in which they were asked for, after preparations that take
 * different times and run together.
 */
export class InOrder {
  /** Resolves when the last call has begun, or will not begin. */
  #last: Promise<unknown> | null = null;

  /** No call waits: one that begins now does not overtake any. */
  get isIdle(): boolean {
    return this.#last === null;
  }

  /** Rejects if `prepared` rejects; then `begin` is not called. */
  run<T, R>(prepared: Promise<T>, begin: (prepared: T) => Promise<R> | R): Promise<R> {
    const before = this.#last;
    // In an object: the next call waits until this one has begun, and not for its result.
    const begun = (async () => {
      const [outcome] = await Promise.allSettled([prepared, before]);
      if (outcome.status === "rejected") throw outcome.reason;
      return { result: begin(outcome.value) };
    })();
    const isOver = () => {
      if (this.#last === last) this.#last = null;
    };
    const last: Promise<void> = begun.then(isOver, isOver);
    this.#last = last;
    return begun.then(({ result }) => result);
  }
}
