import { randomFillSync } from "node:crypto";

const POOL_BYTES = 4_096;

/**
 * Random bytes that were made many at a time: a call for 16 of them costs microseconds, and one
 * request may need a thousand ids. No byte is given out twice, and none stays in the pool.
 */
export class RandomPool {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #used = POOL_BYTES;

  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > POOL_BYTES / 4) return randomFillSync(new Uint8Array(length));
    if (this.#used + length > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const end = this.#used + length;
    const taken = this.#pool.slice(this.#used, end);
    this.#pool.fill(0, this.#used, end);
    this.#used = end;
    return taken;
  }
}
