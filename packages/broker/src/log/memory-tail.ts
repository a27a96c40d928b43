// The newest batches of every log, for readers at the tip.
//
// 1. A log's tail is a gapless run of batches that ends at the log's end.
// 2. Both bounds hold after each add: that of the log and that of the engine, where the batch that
//    was added first, whosever it is, goes first.
import { Fifo } from "./fifo.ts";
import { TAIL_ENGINE_BYTES, TAIL_ENTRY_BYTES, TAIL_LOG_BYTES } from "./limits.ts";
import { isMostOfItsBuffer } from "./own-batch.ts";

export interface TailEntry {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly bytes: Uint8Array;
}

/** Mentions of batches already gone that may gather before they are swept out. */
const STALE_MENTIONS = 1024;

/** What all tails of an engine may hold together. */
export class TailBudget {
  /** Tails by age of what they got; one mention for each batch added, stale once it is gone. */
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
    if (this.#order.length > 2 * this.#heldBatches + STALE_MENTIONS) this.#forgetStale();
  }

  dropped(costBytes: number): void {
    this.#heldBytes -= costBytes;
    this.#heldBatches -= 1;
  }

  #forgetStale(): void {
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

  /** Adds batches that follow the last one. Small parts of large buffers are copied, together. */
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
