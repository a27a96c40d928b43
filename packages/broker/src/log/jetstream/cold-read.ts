import { ownBatch } from "../own-batch.ts";
import type { LogPosition } from "./grammar.ts";
import { batchesOf, isIntact, type MessageBatch } from "./message-batches.ts";
import type { ReadRequest, Step } from "./walk-step.ts";

/** The batch at `offset` is in the message after position `before`. */
export interface ReadPlace {
  readonly offset: number;
  readonly before: LogPosition;
}

/** Collects intact batches from consecutive messages. */
export class ColdRead {
  readonly batches: Uint8Array[] = [];
  /** The batch that holds the wanted offset, if it is damaged. */
  damaged: MessageBatch | null = null;
  /** Where to continue after the collected batches; null when there are none. */
  end: ReadPlace | null = null;
  readonly #wanted: ReadRequest;
  #leftBytes: number;

  constructor(wanted: ReadRequest) {
    this.#wanted = wanted;
    this.#leftBytes = wanted.maxBytes;
  }

  /** Takes the next message; false when no more messages are needed. */
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
