import { LARGE_FRAME_GROWTH_BYTES } from "./limits.ts";

/**
 * What has come of a large frame, in memory of its own that goes back to the system when it is let
 * go. The chunks it came in would not: they are garbage until the collector runs, which a process
 * that has nothing to do sees no need for, and then small pieces that the allocator keeps.
 */
export class LargeFrame {
  readonly #frameBytes: number;
  readonly #buffer: ArrayBuffer;
  #filledBytes = 0;

  /** Takes address space for the whole frame, and memory for what has come. */
  constructor(frameBytes: number) {
    this.#frameBytes = frameBytes;
    this.#buffer = new ArrayBuffer(0, { maxByteLength: frameBytes });
  }

  /** Takes in what of `chunk` belongs to the frame; returns how many bytes that was. */
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
