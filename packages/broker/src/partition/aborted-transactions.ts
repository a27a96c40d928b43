/** An aborted transaction, as far as readers of committed records must know it. */
export interface AbortedTransaction {
  readonly producerId: number;
  /** Of its first record. */
  readonly firstOffset: number;
  /** Of its marker. */
  readonly lastOffset: number;
  /** Of the partition when it was aborted, if that was the only marker not yet durable. */
  readonly lastStableOffset: number;
}

const FIELDS = 4;
const FIRST_CAPACITY = 16;

/**
 * The aborted transactions of a partition in the order of their markers (Kafka's TransactionIndex).
 * 32 bytes of memory for each.
 */
export class AbortedTransactions {
  #fields = new Float64Array(0);
  /** Entries before it were dropped. */
  #from = 0;
  #to = 0;

  get count(): number {
    return this.#to - this.#from;
  }

  /** `lastOffset` is larger than that of all others. */
  add({ producerId, firstOffset, lastOffset, lastStableOffset }: AbortedTransaction): void {
    if (this.#to * FIELDS === this.#fields.length) this.#makeRoom();
    const fields = [producerId, firstOffset, lastOffset, lastStableOffset];
    this.#fields.set(fields, this.#to * FIELDS);
    this.#to++;
  }

  /** Removes the one of this producer whose marker was to be at `lastOffset`, if there is one. */
  remove(producerId: number, lastOffset: number): void {
    for (let i = this.#search(lastOffset); i < this.#to; i++) {
      const found = this.#at(i);
      if (found.lastOffset > lastOffset) return;
      if (found.producerId !== producerId) continue;
      this.#fields.copyWithin(i * FIELDS, (i + 1) * FIELDS, this.#to * FIELDS);
      this.#to--;
      return;
    }
  }

  /** Drops those whose markers are before `offset`. */
  dropBefore(offset: number): void {
    this.#from = this.#search(offset);
  }

  /** Those whose markers are at or after `from`, and before `to`. */
  endedBetween(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (let i = this.#search(from); i < this.#to; i++) {
      const transaction = this.#at(i);
      if (transaction.lastOffset >= to) break;
      found.push(transaction);
    }
    return found;
  }

  /** Those with records from `offset` on, and before `end`. */
  *between(offset: number, end: number): Generator<AbortedTransaction> {
    for (let i = this.#search(offset); i < this.#to; i++) {
      const transaction = this.#at(i);
      if (transaction.firstOffset < end) yield transaction;
      // All later ones began at this offset or after it.
      if (transaction.lastStableOffset >= end) return;
    }
  }

  /** Those whose markers are before `offset`, as they are now. */
  snapshot(offset: number): Iterable<AbortedTransaction> {
    const copy = new AbortedTransactions();
    copy.#to = this.#search(offset) - this.#from;
    copy.#fields = this.#fields.slice(this.#from * FIELDS, (this.#from + copy.#to) * FIELDS);
    return copy.#all();
  }

  *#all(): Generator<AbortedTransaction> {
    for (let i = this.#from; i < this.#to; i++) yield this.#at(i);
  }

  /** The first entry whose marker is at or after `offset`. */
  #search(offset: number): number {
    let low = this.#from;
    let high = this.#to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#fields[middle * FIELDS + 2]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #at(index: number): AbortedTransaction {
    const at = index * FIELDS;
    return {
      producerId: this.#fields[at]!,
      firstOffset: this.#fields[at + 1]!,
      lastOffset: this.#fields[at + 2]!,
      lastStableOffset: this.#fields[at + 3]!,
    };
  }

  #makeRoom(): void {
    const held = this.#fields.subarray(this.#from * FIELDS, this.#to * FIELDS);
    const capacity = Math.max(FIRST_CAPACITY * FIELDS, 2 * held.length);
    const roomier = new Float64Array(capacity);
    roomier.set(held);
    this.#fields = roomier;
    this.#to -= this.#from;
    this.#from = 0;
  }
}
