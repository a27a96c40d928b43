// Appends what compaction keeps as copies, and makes the index of them.
import { baseOffsetAt, batchSizeAt, nextOffsetAt, viewOf } from "@tarpan/protocol";
import type { LogSegment } from "../log.ts";
import { LogError } from "../log-error.ts";
import { BlockIndex } from "./block-index.ts";
import type { CompactedPart } from "./compacted-part.ts";
import { COPY_BYTES } from "./limits.ts";
import { maxTimestampIn } from "./message-batches.ts";
import type { Copy } from "./pending-message.ts";

interface CopyWriterParts {
  readonly run: string;
  /** The parts of the log that are compacted, before the run: they tell when it was written. */
  readonly segments: readonly LogSegment[];
  /** Most bytes of one message. */
  readonly maxBytes: number;
  /** Resolves to the copy's sequence once it is stored. */
  readonly append: (copy: Copy) => Promise<number>;
}

export class CopyWriter {
  writtenBytes = 0;
  readonly #parts: CopyWriterParts;
  readonly #index = new BlockIndex();
  #batches: Uint8Array[] = [];
  #waitingBytes = 0;
  #nextOffset = -1;
  #lastSequence = 0;
  #newestMs = Number.NEGATIVE_INFINITY;
  #segmentAt = 0;

  constructor(parts: CopyWriterParts) {
    this.#parts = parts;
  }

  /** Takes whole batches. */
  async write(bytes: Uint8Array): Promise<void> {
    const view = viewOf(bytes);
    for (let at = 0; at < bytes.byteLength; ) {
      const sizeBytes = batchSizeAt(view, at);
      const batch = bytes.subarray(at, at + sizeBytes);
      this.#refuseTooLarge(sizeBytes, baseOffsetAt(view, at));
      if (this.#waitingBytes > 0 && this.#waitingBytes + sizeBytes > this.#limitBytes)
        await this.#send();
      this.#batches.push(batch);
      this.#waitingBytes += sizeBytes;
      this.#nextOffset = nextOffsetAt(view, at);
      at += sizeBytes;
    }
  }

  /** Sends the rest. Nothing may be written afterwards. */
  async finish(): Promise<CompactedPart> {
    if (this.#waitingBytes > 0) await this.#send();
    const { run } = this.#parts;
    const [endOffset, endSequence] = [this.#nextOffset, this.#lastSequence];
    return { run, endOffset, endSequence, index: this.#index };
  }

  get #limitBytes(): number {
    return Math.min(COPY_BYTES, this.#parts.maxBytes);
  }

  async #send(): Promise<void> {
    const payload = Buffer.concat(this.#batches.splice(0));
    const baseOffset = baseOffsetAt(viewOf(payload), 0);
    const nextOffset = this.#nextOffset;
    this.#waitingBytes = 0;
    const copy = { writer: this.#parts.run, baseOffset, nextOffset, payload };
    this.#lastSequence = await this.#parts.append(copy);
    this.writtenBytes += payload.length;
    const maxTimestamp = maxTimestampIn(payload, copy);
    const writtenMs = this.#writtenMs(nextOffset);
    this.#index.add(this.#lastSequence, baseOffset, maxTimestamp, payload.length, writtenMs);
  }

  /** The batches before `nextOffset` were written until then. It never goes back. */
  #writtenMs(nextOffset: number): number {
    const { segments } = this.#parts;
    for (; this.#segmentAt < segments.length; this.#segmentAt++) {
      const { endOffset, newestMs } = segments[this.#segmentAt]!;
      this.#newestMs = Math.max(this.#newestMs, newestMs);
      if (endOffset >= nextOffset) break;
    }
    return this.#newestMs;
  }

  #refuseTooLarge(sizeBytes: number, offset: number): void {
    const { maxBytes } = this.#parts;
    if (sizeBytes <= maxBytes) return;
    // "busy": it is not tried again before the log is opened again.
    throw new LogError(
      "busy",
      `the batch at offset ${offset} has ${sizeBytes} bytes after compaction, more than the ` +
        `${maxBytes} that the NATS servers' max_payload allows: raise it, and restart the broker`,
    );
  }
}
