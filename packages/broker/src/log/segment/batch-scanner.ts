import { crc32c } from "@tarpan/codecs";
import {
  BATCH_OVERHEAD,
  baseOffsetAt,
  batchCrcMatches,
  batchSizeAt,
  lastOffsetDeltaAt,
  MAGIC_V2,
  magicAt,
  maxTimestampAt,
} from "@tarpan/protocol";
import type { File } from "../../env/env.ts";

const NOTHING = new Uint8Array(0);

/** Walks a byte range of a segment from batch to batch, reading it in chunks. */
export class BatchScanner {
  readonly #file: File;
  readonly #end: number;
  readonly #chunkBytes: number;
  #bytes: Uint8Array = NOTHING;
  #view = new DataView(NOTHING.buffer);
  #bytesAt = 0;

  /** Where the current batch begins; after `advance`, where the next one must begin. */
  position: number;
  sizeBytes = 0;
  baseOffset = -1;
  nextOffset = -1;
  maxTimestamp = -1;

  constructor(file: File, position: number, end: number, chunkBytes: number) {
    this.#file = file;
    this.position = position;
    this.#end = end;
    this.#chunkBytes = chunkBytes;
  }

  /**
   * Reads the header of the batch at `position`. "damaged" when the bytes cannot be a batch, or its
   * base offset is not `expectedOffset` (null: any offset). Only `intact` checks the CRC.
   */
  async look(expectedOffset: number | null): Promise<"batch" | "damaged" | "end"> {
    if (this.position === this.#end) return "end";
    if (this.position + BATCH_OVERHEAD > this.#end) return "damaged";
    if (!this.holds(BATCH_OVERHEAD)) await this.#fill(BATCH_OVERHEAD);
    if (!this.holds(BATCH_OVERHEAD)) return "damaged";
    const at = this.position - this.#bytesAt;
    const view = this.#view;
    this.sizeBytes = batchSizeAt(view, at);
    this.baseOffset = baseOffsetAt(view, at);
    const lastOffsetDelta = lastOffsetDeltaAt(view, at);
    this.nextOffset = this.baseOffset + lastOffsetDelta + 1;
    this.maxTimestamp = maxTimestampAt(view, at);
    const plausible =
      magicAt(view, at) === MAGIC_V2 &&
      this.sizeBytes >= BATCH_OVERHEAD &&
      this.position + this.sizeBytes <= this.#end &&
      lastOffsetDelta >= 0 &&
      this.baseOffset >= 0 &&
      (expectedOffset === null || this.baseOffset === expectedOffset);
    return plausible ? "batch" : "damaged";
  }

  /** Whether the first `length` bytes at `position` are in memory already. */
  holds(length: number): boolean {
    return (
      this.position >= this.#bytesAt &&
      this.position + length <= this.#bytesAt + this.#bytes.byteLength
    );
  }

  /** All bytes of the current batch, null when its CRC does not match. */
  async intact(): Promise<Uint8Array | null> {
    if (!this.holds(this.sizeBytes)) await this.#fill(this.sizeBytes);
    if (!this.holds(this.sizeBytes)) return null;
    const at = this.position - this.#bytesAt;
    return batchCrcMatches(this.#bytes, at, this.sizeBytes, crc32c)
      ? this.#bytes.subarray(at, at + this.sizeBytes)
      : null;
  }

  /** Moves past the current batch. */
  advance(): void {
    this.position += this.sizeBytes;
  }

  async #fill(length: number): Promise<void> {
    const wanted = Math.min(Math.max(length, this.#chunkBytes), this.#end - this.position);
    // A new buffer each time: slices of the previous one may still be in use by a response.
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(wanted).buffer);
    const count = await this.#file.read(bytes, this.position);
    this.#bytes = bytes.subarray(0, count);
    this.#view = new DataView(bytes.buffer, 0, count);
    this.#bytesAt = this.position;
  }
}
