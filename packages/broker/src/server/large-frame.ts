import { LARGE_FRAME_GROWTH_BYTES } from "./limits.ts";

/**
 * The received part of a large frame, in memory that returns to the system when it is released. The
 * chunks from the socket would not: they wait for a garbage collection, which an idle process does
 * not run, and then the allocator keeps the small pieces.
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

  /** The frame, which is whole, in ordinary memory: what reads it meets no other sort of buffer. */
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
