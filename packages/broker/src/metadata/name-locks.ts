/**
 * Keeps two requests from making the same topic's logs at the same time. Soft state: it is only
 * about work in progress.
 */
export class NameLocks {
  readonly #held = new Map<string, Promise<void>>();

  /** Runs `work` when nobody else works on any of `names`; takes them all at once or none. */
  async hold<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    for (;;) {
      const busy = names.flatMap((name) => this.#held.get(name) ?? []);
      if (busy.length === 0) break;
      await Promise.all(busy);
    }
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const name of names) this.#held.set(name, held);
    try {
      return await work();
    } finally {
      for (const name of names) this.#held.delete(name);
      release();
    }
  }
}
