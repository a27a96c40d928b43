import { LENGTH_BYTES } from "../frames.ts";

/**
 * Splits a stream into frames and passes on only the first bytes of each, with the length prefix.
 */
export class FrameHeads {
  readonly #head: Buffer;
  readonly #onHead: (head: Buffer) => void;
  #filled = 0;
  /** Bytes of the current frame after its head that have not arrived yet. */
  #skip = 0;

  /** `onHead` gets a buffer that the next frame overwrites. No frame may have fewer bytes. */
  constructor(headBytes: number, onHead: (head: Buffer) => void) {
    this.#head = Buffer.alloc(headBytes);
    this.#onHead = onHead;
  }

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const count = Math.min(this.#head.length - this.#filled, chunk.length - at);
      chunk.copy(this.#head, this.#filled, at, at + count);
      this.#filled += count;
      at += count;
      if (this.#filled < this.#head.length) return;
      this.#filled = 0;
      this.#skip = LENGTH_BYTES + this.#head.readInt32BE(0) - this.#head.length;
      if (this.#skip < 0) throw new Error("an answer is shorter than it should be");
      this.#onHead(this.#head);
    }
  }
}
