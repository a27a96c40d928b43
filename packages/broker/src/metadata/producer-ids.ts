import { PRODUCER_ID_BLOCK_SIZE } from "./limits.ts";

/**
 * Hands out producer ids from blocks. The rest of a block is never used after a restart of the
 * broker: two producers with the same id would break each other's sequences.
 */
export class ProducerIds {
  readonly #allocate: () => Promise<number>;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | null = null;

  /** `allocate` durably allocates the next block to this broker, and resolves to its first id. */
  constructor(allocate: () => Promise<number>) {
    this.#allocate = allocate;
  }

  async next(): Promise<number> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#fill().finally(() => {
        this.#refill = null;
      });
      await this.#refill;
    }
    return this.#next++;
  }

  async #fill(): Promise<void> {
    this.#next = await this.#allocate();
    this.#end = this.#next + PRODUCER_ID_BLOCK_SIZE;
  }
}
