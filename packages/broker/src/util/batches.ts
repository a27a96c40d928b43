/**
 * Joins what is asked in one turn of the event loop into one request. Results are in the order of
 * their items; if a request fails, so do all its items. No request waits for an earlier one.
 */
export class Batches<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxItems: number;
  #waiting: Waiting<Item, Result>[] = [];

  constructor(send: (items: readonly Item[]) => Promise<readonly Result[]>, maxItems: number) {
    this.#send = send;
    this.#maxItems = maxItems;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#sendAll());
    });
  }

  #sendAll(): void {
    const all = this.#waiting.splice(0);
    for (let at = 0; at < all.length; at += this.#maxItems) {
      void this.#sendOne(all.slice(at, at + this.#maxItems));
    }
  }

  async #sendOne(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#send(batch.map(({ item }) => item));
      for (const [i, { resolve }] of batch.entries()) resolve(results[i]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}
