import { hashKey, keyHash } from "./key-hash.ts";

/** Memory of one key: 16 bytes of its hash and 8 of its offset, as in Kafka's SkimpyOffsetMap. */
export const KEY_BYTES = 24;
/** Words of 32 bits of a slot: the hash, and the offset plus one, 0 where the slot is free. */
const SLOT_WORDS = 6;
const LOW = 4;
const HIGH = 5;
const WORD = 2 ** 32;

/**
 * The last offset of each key, by the key's hash, in memory of a fixed size: an open hash table
 * with linear probing, in one typed array, so that ten million keys are no work for the collector,
 * and a look at a slot waits for the memory once.
 */
export class KeyOffsets {
  readonly #slots: number;
  readonly #capacity: number;
  readonly #seed: number;
  readonly #words: Int32Array;
  #size = 0;

  /** At most `loadFactor` of the slots are used, because the last ones are slow to find. */
  constructor(slots: number, loadFactor: number, seed: number) {
    // One slot stays free, where the search for a key that is not there ends.
    this.#slots = Math.max(2, slots);
    this.#capacity = Math.min(this.#slots - 1, Math.max(1, Math.floor(slots * loadFactor)));
    this.#seed = seed;
    this.#words = new Int32Array(SLOT_WORDS * this.#slots);
  }

  get size(): number {
    return this.#size;
  }

  /** Notes the key's offset, which is larger than any before. False when there is no room. */
  put(bytes: Uint8Array, keyStart: number, keyEnd: number, offset: number): boolean {
    const at = this.#find(bytes, keyStart, keyEnd);
    const words = this.#words;
    if (isFree(words, at)) {
      if (this.#size >= this.#capacity) return false;
      this.#size += 1;
      words.set(keyHash, at);
    }
    words[at + LOW] = offset + 1;
    words[at + HIGH] = Math.floor((offset + 1) / WORD);
    return true;
  }

  /** The key's last offset, -1 when it has none. */
  get(bytes: Uint8Array, keyStart: number, keyEnd: number): number {
    const at = this.#find(bytes, keyStart, keyEnd);
    return this.#words[at + HIGH]! * WORD + (this.#words[at + LOW]! >>> 0) - 1;
  }

  /** Where the key's slot begins, or the free one where it belongs. */
  #find(bytes: Uint8Array, keyStart: number, keyEnd: number): number {
    hashKey(bytes, keyStart, keyEnd, this.#seed);
    const a = keyHash[0]!;
    const b = keyHash[1]!;
    const c = keyHash[2]!;
    const d = keyHash[3]!;
    const words = this.#words;
    let at = SLOT_WORDS * Math.floor(((a >>> 0) / WORD) * this.#slots);
    while (!isFree(words, at)) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d)
        break;
      at += SLOT_WORDS;
      if (at === words.length) at = 0;
    }
    return at;
  }
}

function isFree(words: Int32Array, at: number): boolean {
  return (words[at + LOW]! | words[at + HIGH]!) === 0;
}
