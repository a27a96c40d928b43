import { PRODUCER_ID_BLOCK_SIZE } from "./limits.ts";

/**
 * Hands out producer ids, a block at a time. What is left of a block when the broker stops is
 * never used: an id given twice would let one producer overwrite another's sequence.
 */
export class ProducerIds {
  readonly #allocate: () => Promise<number>;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | null = null;

  /** `allocate` makes the next block this broker's, durably, and resolves to its first id. */
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
