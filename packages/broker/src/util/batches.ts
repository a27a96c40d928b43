/**
 * Joins what is asked while an earlier request is under way into the next request. Results are in
 * the order of their items; if a request fails, so do all its items.
 */
export class Batches<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxItems: number;
  #waiting: Waiting<Item, Result>[] = [];
  #isSending = false;

  constructor(send: (items: readonly Item[]) => Promise<readonly Result[]>, maxItems: number) {
    this.#send = send;
    this.#maxItems = maxItems;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#waiting.length > 0) {
      // What is asked in this turn of the event loop goes together.
      await null;
      const batch = this.#waiting.splice(0, this.#maxItems);
      try {
        const results = await this.#send(batch.map(({ item }) => item));
        for (const [i, { resolve }] of batch.entries()) resolve(results[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isSending = false;
  }
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}
