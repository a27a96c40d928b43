import { enterSlot, isHashOf, leaveSlot } from "../util/hash-slots.ts";
import { HASH_WORDS } from "./id-hash.ts";

/** Messages that there is room for at first; always a power of two. */
const SMALLEST_TABLE = 256;

const NOT_IN_HEAP = -1;

/**
 * A message that was taken: it still waits as it did if its entry still has this offset and this
 * progress.
 */
export interface TakenMessage {
  readonly entry: number;
  readonly offset: number;
  readonly progress: number;
}

/**
 * The messages that a partition holds until their time, by the hash of their id and by their time:
 * an open hash table, and a heap. All of it is in typed arrays, 40 bytes for each message that
 * there is room for, so that a million are no work for the garbage collector; and 4 more once a
 * message has made progress. What a message says stays in the log.
 *
 * Invariants:
 * 1. An entry that waits is in exactly one slot, which can be reached from its first slot without
 *    crossing an empty one.
 * 2. It is in the heap once, or was taken and is not in the heap until `putBack`, `move` or
 *    `advance`.
 */
export class WaitingMessages {
  #capacity = SMALLEST_TABLE;
  #words = new Int32Array(HASH_WORDS * SMALLEST_TABLE);
  /** Of its record in the log; -1 for a free entry. */
  #offsets = new Float64Array(SMALLEST_TABLE).fill(-1);
  /** Wall clock, ms. */
  #times = new Float64Array(SMALLEST_TABLE);
  /** See progress.ts. Null while all have 0, as those that need no resolution always do. */
  #progress: Int32Array | null = null;
  /** Entry plus one; 0 is an empty slot. Never more than half full. */
  #slots = new Int32Array(2 * SMALLEST_TABLE);
  /** Entries, the earliest time first, and those of one time in the order of the log. */
  #heap = new Int32Array(SMALLEST_TABLE);
  /** Where an entry is in the heap; of a free entry, the free one after it. */
  #heapAt = new Int32Array(SMALLEST_TABLE);
  #heapSize = 0;
  #firstFree = -1;
  #used = 0;
  #count = 0;

  /** The messages that wait. */
  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    const { byteLength } = this.#words;
    const ints = this.#slots.byteLength + this.#heap.byteLength + this.#heapAt.byteLength;
    const progress = this.#progress?.byteLength ?? 0;
    return byteLength + this.#offsets.byteLength + this.#times.byteLength + ints + progress;
  }

  /** When the next message is due, wall clock, ms; undefined when none is in the heap. */
  get nextMs(): number | undefined {
    return this.#heapSize === 0 ? undefined : this.#times[this.#heap[0]!]!;
  }

  /** -1 for a free entry. */
  offsetOf(entry: number): number {
    return this.#offsets[entry]!;
  }

  timeOf(entry: number): number {
    return this.#times[entry]!;
  }

  progressOf(entry: number): number {
    return this.#progress === null ? 0 : this.#progress[entry]!;
  }

  /** A word of the hash of its id. */
  wordOf(entry: number, index: number): number {
    return this.#words[HASH_WORDS * entry + index]!;
  }

  /** Whether it still waits, under the same offset and with the same progress. */
  waits({ entry, offset, progress }: TakenMessage): boolean {
    return this.#offsets[entry] === offset && this.progressOf(entry) === progress;
  }

  /** The entry of the id with this hash, -1 when none waits. */
  find(words: ArrayLike<number>): number {
    const mask = this.#slots.length - 1;
    for (let slot = words[0]! & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0 || isHashOf(this.#words, HASH_WORDS, entry, words, 0)) return entry;
    }
  }

  /** The entry at `offset`, whose hash begins with `word`; -1 when it does not wait. */
  findAt(offset: number, word: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = word & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return entry;
      // A renamed one may lie in the way: it is not the message with this word.
      if (this.#offsets[entry] === offset && this.wordOf(entry, 0) === word) return entry;
    }
  }

  /** Adds a message whose id does not wait. */
  add(words: ArrayLike<number>, offset: number, timeMs: number, progress = 0): void {
    const entry = this.#takeFree();
    for (let i = 0; i < HASH_WORDS; i++) this.#words[HASH_WORDS * entry + i] = words[i]!;
    this.#offsets[entry] = offset;
    if (progress !== 0) this.#setProgress(entry, progress);
    this.#count += 1;
    this.#enter(entry);
    this.#insert(entry, timeMs);
  }

  /** It makes progress, and is due at `timeMs`, whether it was taken or not. */
  advance(entry: number, progress: number, timeMs: number): void {
    this.#setProgress(entry, progress);
    this.putBack(entry, timeMs);
  }

  /** Gives it another hash, which no other message has. */
  rename(entry: number, words: ArrayLike<number>): void {
    leaveSlot(this.#slots, this.#words, HASH_WORDS, entry);
    for (let i = 0; i < HASH_WORDS; i++) this.#words[HASH_WORDS * entry + i] = words[i]!;
    this.#enter(entry);
  }

  remove(entry: number): void {
    leaveSlot(this.#slots, this.#words, HASH_WORDS, entry);
    this.#leaveHeap(entry);
    this.#offsets[entry] = -1;
    if (this.#progress !== null) this.#progress[entry] = 0;
    this.#heapAt[entry] = this.#firstFree;
    this.#firstFree = entry;
    this.#count -= 1;
  }

  /**
   * The message was written again, at another offset. Whoever has taken it finds that it does not
   * wait under the old one, so it is in the heap again.
   */
  move(entry: number, offset: number): void {
    this.#offsets[entry] = offset;
    this.putBack(entry, this.#times[entry]!);
  }

  /** Takes up to `limit` messages that are due at `nowMs` out of the heap, the earliest first. */
  takeDue(nowMs: number, limit: number): TakenMessage[] {
    const taken: TakenMessage[] = [];
    while (taken.length < limit && this.#heapSize > 0) {
      const entry = this.#heap[0]!;
      if (this.#times[entry]! > nowMs) break;
      this.#leaveHeap(entry);
      taken.push(this.at(entry));
    }
    return taken;
  }

  /** An entry that waits, as it is now. */
  at(entry: number): TakenMessage {
    return { entry, offset: this.#offsets[entry]!, progress: this.progressOf(entry) };
  }

  /** It is due at `timeMs`, whether it was taken or not. */
  putBack(entry: number, timeMs: number): void {
    this.#leaveHeap(entry);
    this.#insert(entry, timeMs);
  }

  /** One past the highest entry that was ever used. */
  get entryCount(): number {
    return this.#used;
  }

  /** Calls `visit` for each message that waits, by its entry; only for entries in [from, to). */
  forEach(visit: (entry: number, offset: number) => void, from = 0, to = this.#used): void {
    const end = Math.min(to, this.#used);
    for (let entry = from; entry < end; entry++) {
      const offset = this.#offsets[entry]!;
      if (offset >= 0) visit(entry, offset);
    }
  }

  #takeFree(): number {
    const entry = this.#firstFree;
    if (entry >= 0) {
      this.#firstFree = this.#heapAt[entry]!;
      return entry;
    }
    if (this.#used === this.#capacity) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const capacity = 2 * this.#capacity;
    this.#capacity = capacity;
    this.#words = grown(this.#words, new Int32Array(HASH_WORDS * capacity));
    this.#offsets = grown(this.#offsets, new Float64Array(capacity).fill(-1));
    this.#times = grown(this.#times, new Float64Array(capacity));
    if (this.#progress !== null) this.#progress = grown(this.#progress, new Int32Array(capacity));
    this.#heap = grown(this.#heap, new Int32Array(capacity));
    this.#heapAt = grown(this.#heapAt, new Int32Array(capacity));
    this.#slots = new Int32Array(2 * capacity);
    this.forEach((entry) => {
      this.#enter(entry);
    });
  }

  #setProgress(entry: number, progress: number): void {
    this.#progress ??= new Int32Array(this.#capacity);
    this.#progress[entry] = progress;
  }

  #enter(entry: number): void {
    enterSlot(this.#slots, this.#words, HASH_WORDS, entry);
  }

  #insert(entry: number, timeMs: number): void {
    this.#times[entry] = timeMs;
    this.#rise(entry, this.#heapSize++);
  }

  #leaveHeap(entry: number): void {
    const at = this.#heapAt[entry]!;
    if (at === NOT_IN_HEAP) return;
    this.#heapAt[entry] = NOT_IN_HEAP;
    const last = this.#heap[--this.#heapSize]!;
    if (last === entry) return;
    this.#rise(last, at);
    this.#sink(last, this.#heapAt[last]!);
  }

  #rise(entry: number, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = this.#heap[(at - 1) >>> 1]!;
      if (this.#isBefore(parent, entry)) break;
      this.#place(parent, at);
      at = (at - 1) >>> 1;
    }
    this.#place(entry, at);
  }

  #sink(entry: number, from: number): void {
    const heap = this.#heap;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heapSize) break;
      const right = child + 1;
      if (right < this.#heapSize && this.#isBefore(heap[right]!, heap[child]!)) child = right;
      if (this.#isBefore(entry, heap[child]!)) break;
      this.#place(heap[child]!, at);
      at = child;
    }
    this.#place(entry, at);
  }

  #isBefore(entry: number, other: number): boolean {
    const time = this.#times[entry]!;
    const otherTime = this.#times[other]!;
    if (time !== otherTime) return time < otherTime;
    return this.#offsets[entry]! < this.#offsets[other]!;
  }

  #place(entry: number, at: number): void {
    this.#heap[at] = entry;
    this.#heapAt[entry] = at;
  }
}

function grown<Values extends Int32Array | Float64Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
