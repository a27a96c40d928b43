import { enterSlot, isHashOf, leaveSlot } from "../util/hash-slots.ts";

/** 32-bit words of an id's hash. */
export const HASH_WORDS = 4;

/** Entries that a table has room for at first; always a power of two. */
const SMALLEST_TABLE = 256;

/**
 * Hashes of message ids with the offset of their record and the time they were added: a ring in the
 * order of arrival, and an open hash table over it. All of it is in typed arrays, 40 bytes for each
 * entry that there is room for, so that millions of ids are no work for the garbage collector.
 *
 * Invariants:
 * 1. A position is never used again. Those in [oldest, next) are in the ring; a removed one stays
 *    there as dead until it is the oldest.
 * 2. A hash that is live is in exactly one slot, which can be reached from its first slot without
 *    crossing an empty one.
 */
export class MessageIdTable {
  #capacity = SMALLEST_TABLE;
  #words = new Int32Array(HASH_WORDS * SMALLEST_TABLE);
  #offsets = new Float64Array(SMALLEST_TABLE);
  #times = new Float64Array(SMALLEST_TABLE);
  /** Index in the ring plus one; 0 is an empty slot. Never more than half full. */
  #slots = new Int32Array(2 * SMALLEST_TABLE);
  #oldest = 0;
  #next = 0;

  get oldest(): number {
    return this.#oldest;
  }

  get next(): number {
    return this.#next;
  }

  get sizeBytes(): number {
    const { byteLength } = this.#words;
    return byteLength + this.#offsets.byteLength + this.#times.byteLength + this.#slots.byteLength;
  }

  /** The position of the hash that begins at `words[at]`, -1 when it is not known. */
  find(words: ArrayLike<number>, at: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = words[at]! & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return -1;
      if (isHashOf(this.#words, HASH_WORDS, entry, words, at)) return this.#positionOf(entry);
    }
  }

  /** Adds a hash that is not in the table. `time` may have any unit. */
  add(words: ArrayLike<number>, at: number, offset: number, time: number): number {
    if (this.#next - this.#oldest === this.#capacity) this.#resize(2 * this.#capacity);
    const position = this.#next++;
    const entry = position & (this.#capacity - 1);
    for (let i = 0; i < HASH_WORDS; i++) this.#words[HASH_WORDS * entry + i] = words[at + i]!;
    this.#offsets[entry] = offset;
    this.#times[entry] = time;
    this.#enter(entry);
    return position;
  }

  /** -1 for a position that was removed or dropped. */
  offsetAt(position: number): number {
    return position < this.#oldest ? -1 : this.#offsets[position & (this.#capacity - 1)]!;
  }

  timeAt(position: number): number {
    return this.#times[position & (this.#capacity - 1)]!;
  }

  wordAt(position: number, index: number): number {
    return this.#words[HASH_WORDS * (position & (this.#capacity - 1)) + index]!;
  }

  remove(position: number): void {
    if (this.offsetAt(position) < 0) return;
    const entry = position & (this.#capacity - 1);
    leaveSlot(this.#slots, this.#words, HASH_WORDS, entry);
    this.#offsets[entry] = -1;
  }

  /** An empty table keeps no memory but the smallest. */
  dropOldest(): void {
    this.remove(this.#oldest);
    this.#oldest += 1;
    if (this.#oldest === this.#next && this.#capacity > SMALLEST_TABLE) {
      this.#resize(SMALLEST_TABLE);
    }
  }

  #positionOf(entry: number): number {
    return this.#oldest + ((entry - this.#oldest) & (this.#capacity - 1));
  }

  #enter(entry: number): void {
    enterSlot(this.#slots, this.#words, HASH_WORDS, entry);
  }

  #resize(capacity: number): void {
    const before = { words: this.#words, offsets: this.#offsets, times: this.#times };
    const mask = this.#capacity - 1;
    this.#capacity = capacity;
    this.#words = new Int32Array(HASH_WORDS * capacity);
    this.#offsets = new Float64Array(capacity);
    this.#times = new Float64Array(capacity);
    this.#slots = new Int32Array(2 * capacity);
    for (let position = this.#oldest; position < this.#next; position++) {
      const from = position & mask;
      const to = position & (capacity - 1);
      for (let i = 0; i < HASH_WORDS; i++) {
        this.#words[HASH_WORDS * to + i] = before.words[HASH_WORDS * from + i]!;
      }
      this.#offsets[to] = before.offsets[from]!;
      this.#times[to] = before.times[from]!;
      if (this.#offsets[to]! >= 0) this.#enter(to);
    }
  }
}
