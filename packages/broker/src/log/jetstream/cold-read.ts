import { ownBatch } from "../own-batch.ts";
import type { LogPosition } from "./grammar.ts";
import { batchesOf, isIntact, type MessageBatch } from "./message-batches.ts";
import type { Step, Wanted } from "./walk-step.ts";

/** Where the batch at an offset is found: in the message after `before`. */
export interface ReadPlace {
  readonly offset: number;
  readonly before: LogPosition;
}

/** Collects intact batches from the messages it is given, in order, until something ends it. */
export class ColdRead {
  readonly batches: Uint8Array[] = [];
  /** The damaged batch at the very offset that was asked for. */
  damaged: MessageBatch | null = null;
  /** Where to go on after what was collected. */
  end: ReadPlace | null = null;
  readonly #wanted: Wanted;
  #leftBytes: number;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
    this.#leftBytes = wanted.maxBytes;
  }

  /** False when no more is needed. */
  take({ message, meaning, before, after }: Step): boolean {
    if (meaning.kind !== "batches" || meaning.nextOffset <= this.#wanted.offset) return true;
    for (const batch of batchesOf(message.payload, meaning)) {
      if (batch.nextOffset <= this.#wanted.offset) continue;
      if (!this.#takeBatch(batch)) return false;
      const isLast = batch.nextOffset === meaning.nextOffset;
      this.end = { offset: batch.nextOffset, before: isLast ? after : before };
    }
    return this.#leftBytes > 0 && meaning.nextOffset < this.#wanted.upTo;
  }

  #takeBatch(batch: MessageBatch): boolean {
    const isFirst = this.batches.length === 0;
    this.#leftBytes -= batch.bytes.length;
    if (batch.baseOffset >= this.#wanted.upTo || (this.#leftBytes < 0 && !isFirst)) return false;
    if (!isIntact(batch)) {
      if (isFirst) this.damaged = batch;
      return false;
    }
    this.batches.push(ownBatch(batch.bytes));
    return true;
  }
}
