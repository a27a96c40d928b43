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

/** Walks a stretch of a segment from batch to batch, reading it in chunks. */
export class BatchScanner {
  readonly #file: File;
  readonly #end: number;
  readonly #chunkBytes: number;
  #bytes: Uint8Array = NOTHING;
  #view = new DataView(NOTHING.buffer);
  #bytesAt = 0;

  /** Where the batch looked at begins; between batches, where the next one must. */
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
   * Looks at the batch at `position`. "damaged" when what is there cannot be a batch, or does not
   * begin at `expectedOffset` (null: any will do). The CRC is left to `isIntact`.
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

  /** Whether the first `length` bytes at `position` need no reading. */
  holds(length: number): boolean {
    return (
      this.position >= this.#bytesAt &&
      this.position + length <= this.#bytesAt + this.#bytes.byteLength
    );
  }

  /** All bytes of the batch looked at, null when its CRC does not match. */
  async intact(): Promise<Uint8Array | null> {
    if (!this.holds(this.sizeBytes)) await this.#fill(this.sizeBytes);
    if (!this.holds(this.sizeBytes)) return null;
    const at = this.position - this.#bytesAt;
    return batchCrcMatches(this.#bytes, at, this.sizeBytes, crc32c)
      ? this.#bytes.subarray(at, at + this.sizeBytes)
      : null;
  }

  /** Moves past the batch looked at. */
  advance(): void {
    this.position += this.sizeBytes;
  }

  async #fill(length: number): Promise<void> {
    const wanted = Math.min(Math.max(length, this.#chunkBytes), this.#end - this.position);
    // A new buffer each time: slices of the last one may be on their way to a client.
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(wanted).buffer);
    const count = await this.#file.read(bytes, this.position);
    this.#bytes = bytes.subarray(0, count);
    this.#view = new DataView(bytes.buffer, 0, count);
    this.#bytesAt = this.position;
  }
}
