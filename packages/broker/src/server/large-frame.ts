import { LARGE_FRAME_GROWTH_BYTES } from "./limits.ts";

/**
 * The received part of a large frame, in memory that returns to the system when it is released. The
 * socket's chunks would stay in the process: an idle process runs no garbage collection, and after
 * one the allocator keeps small blocks.
 */
export class LargeFrame {
  readonly #frameBytes: number;
  readonly #buffer: ArrayBuffer;
  #filledBytes = 0;

  /** Reserves address space for the whole frame, and uses memory only for the bytes received. */
  constructor(frameBytes: number) {
    this.#frameBytes = frameBytes;
    this.#buffer = new ArrayBuffer(0, { maxByteLength: frameBytes });
  }

  /** Adds the part of `chunk` that belongs to the frame; returns its number of bytes. */
  add(chunk: Uint8Array): number {
    const at = this.#filledBytes;
    const count = Math.min(chunk.length, this.#frameBytes - at);
    this.#filledBytes += count;
    if (this.#filledBytes > this.#buffer.byteLength) {
      const wantedBytes = this.#filledBytes + LARGE_FRAME_GROWTH_BYTES;
      this.#buffer.resize(Math.min(wantedBytes, this.#frameBytes));
    }
    new Uint8Array(this.#buffer, at, count).set(chunk.subarray(0, count));
    return count;
  }

  /** The whole frame, copied to an ordinary buffer: the code that reads it may need one. */
  take(): Uint8Array {
    const whole = Buffer.allocUnsafeSlow(this.#frameBytes);
    whole.set(new Uint8Array(this.#buffer, 0, this.#frameBytes));
    this.drop();
    return whole;
  }

  drop(): void {
    this.#buffer.resize(0);
  }
}
