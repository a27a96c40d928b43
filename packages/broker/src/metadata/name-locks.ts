/**
 * Keeps two requests from creating the same topic's logs at the same time. Soft state: it only
 * concerns requests in progress.
 */
export class NameLocks {
  readonly #held = new Map<string, Promise<void>>();

  /** Runs `work` when no other request holds any of `names`; takes all of them at once. */
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
