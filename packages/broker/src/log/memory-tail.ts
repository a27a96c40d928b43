// Keeps the newest batches of every log in memory, for readers near the log's end.
//
// 1. A log's tail has no gap between its batches, and ends at the log's end.
// 2. Both bounds hold after each add, the log's and the engine's. To keep the engine's bound, the
//    oldest batch of all logs is dropped first.
import { Fifo } from "./fifo.ts";
import { TAIL_ENGINE_BYTES, TAIL_ENTRY_BYTES, TAIL_LOG_BYTES } from "./limits.ts";
import { isMostOfItsBuffer } from "./own-batch.ts";

export interface TailEntry {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly bytes: Uint8Array;
}

/** How many entries of dropped batches may be in the order before it is compacted. */
const STALE_ENTRIES = 1024;

/** Bounds the memory of all tails of an engine. */
export class TailBudget {
  /** One entry for each added batch, the oldest first; stale once the batch was dropped. */
  #order = new Fifo<{ tail: MemoryTail; nextOffset: number }>();
  #heldBytes = 0;
  #heldBatches = 0;
  readonly #limitBytes: number;

  constructor(limitBytes = TAIL_ENGINE_BYTES) {
    this.#limitBytes = limitBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  added(tail: MemoryTail, nextOffset: number, costBytes: number): void {
    this.#order.items.push({ tail, nextOffset });
    this.#heldBytes += costBytes;
    this.#heldBatches += 1;
    while (this.#heldBytes > this.#limitBytes) {
      const oldest = this.#order.peek()!;
      this.#order.shift();
      oldest.tail.dropBefore(oldest.nextOffset);
    }
    if (this.#order.length > 2 * this.#heldBatches + STALE_ENTRIES) this.#removeStale();
  }

  dropped(costBytes: number): void {
    this.#heldBytes -= costBytes;
    this.#heldBatches -= 1;
  }

  #removeStale(): void {
    const { items, first } = this.#order;
    const isLive = (i: number) => items[i]!.nextOffset > items[i]!.tail.firstOffset;
    this.#order.items = items.filter((_, i) => i >= first && isLive(i));
    this.#order.first = 0;
  }
}

export class MemoryTail {
  readonly #budget: TailBudget;
  readonly #limitBytes: number;
  #entries = new Fifo<TailEntry>();
  #heldBytes = 0;

  constructor(budget: TailBudget, limitBytes = TAIL_LOG_BYTES) {
    this.#budget = budget;
    this.#limitBytes = limitBytes;
  }

  /** Infinity when the tail is empty. */
  get firstOffset(): number {
    return this.#entries.peek()?.baseOffset ?? Number.POSITIVE_INFINITY;
  }

  /** Adds batches after the last one. Small slices of large buffers are copied into one buffer. */
  add(batches: readonly TailEntry[]): void {
    let slabBytes = 0;
    for (const { bytes } of batches) if (!isMostOfItsBuffer(bytes)) slabBytes += bytes.byteLength;
    const slab = new Uint8Array(slabBytes);
    let at = 0;
    for (const { baseOffset, nextOffset, bytes } of batches) {
      let kept = bytes;
      if (!isMostOfItsBuffer(bytes)) {
        kept = slab.subarray(at, at + bytes.byteLength);
        kept.set(bytes);
        at += bytes.byteLength;
      }
      this.#entries.items.push({ baseOffset, nextOffset, bytes: kept });
      const costBytes = kept.byteLength + TAIL_ENTRY_BYTES;
      this.#heldBytes += costBytes;
      while (this.#heldBytes > this.#limitBytes) this.#dropFirst();
      this.#budget.added(this, nextOffset, costBytes);
    }
  }

  /** Whole batches from the one that holds `offset`, which must be in the tail. */
  read(offset: number, maxBytes: number, upTo: number): Uint8Array[] {
    const { items } = this.#entries;
    const batches: Uint8Array[] = [];
    let left = maxBytes;
    for (let i = this.#find(offset); i < items.length; i++) {
      const entry = items[i]!;
      left -= entry.bytes.byteLength;
      if (entry.baseOffset >= upTo || (left < 0 && batches.length > 0)) break;
      batches.push(entry.bytes);
    }
    return batches;
  }

  dropBefore(offset: number): void {
    for (let entry = this.#entries.peek(); entry; entry = this.#entries.peek()) {
      if (entry.nextOffset > offset) return;
      this.#dropFirst();
    }
  }

  clear(): void {
    this.dropBefore(Number.POSITIVE_INFINITY);
  }

  #dropFirst(): void {
    const costBytes = this.#entries.peek()!.bytes.byteLength + TAIL_ENTRY_BYTES;
    this.#heldBytes -= costBytes;
    this.#budget.dropped(costBytes);
    this.#entries.shift();
  }

  #find(offset: number): number {
    const { items, first } = this.#entries;
    let low = first;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (items[middle]!.nextOffset > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
