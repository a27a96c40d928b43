import { hashKey, keyHash } from "./key-hash.ts";

/** Memory of one key: 16 bytes of its hash and 8 of its offset, as in Kafka's SkimpyOffsetMap. */
export const KEY_BYTES = 24;

/**
 * The last offset of each key, by the key's hash, in memory of a fixed size: an open hash table
 * with linear probing, in typed arrays, so that ten million keys are no work for the collector.
 */
export class KeyOffsets {
  readonly #slots: number;
  readonly #capacity: number;
  readonly #seed: number;
  readonly #hashes: Int32Array;
  /** The offset plus one; 0 where the slot is free. */
  readonly #offsets: Float64Array;
  #size = 0;

  /** At most `loadFactor` of the slots are used, because the last ones are slow to find. */
  constructor(slots: number, loadFactor: number, seed: number) {
    // One slot stays free, where the search for a key that is not there ends.
    this.#slots = Math.max(2, slots);
    this.#capacity = Math.min(this.#slots - 1, Math.max(1, Math.floor(slots * loadFactor)));
    this.#seed = seed;
    this.#hashes = new Int32Array(4 * this.#slots);
    this.#offsets = new Float64Array(this.#slots);
  }

  get size(): number {
    return this.#size;
  }

  /** Notes the key's offset, which is larger than any before. False when there is no room. */
  put(bytes: Uint8Array, keyStart: number, keyEnd: number, offset: number): boolean {
    const slot = this.#find(bytes, keyStart, keyEnd);
    if (this.#offsets[slot] === 0) {
      if (this.#size >= this.#capacity) return false;
      this.#size += 1;
      this.#hashes.set(keyHash, 4 * slot);
    }
    this.#offsets[slot] = offset + 1;
    return true;
  }

  /** The key's last offset, -1 when it has none. */
  get(bytes: Uint8Array, keyStart: number, keyEnd: number): number {
    return this.#offsets[this.#find(bytes, keyStart, keyEnd)]! - 1;
  }

  /** The key's slot, or the free one where it belongs. */
  #find(bytes: Uint8Array, keyStart: number, keyEnd: number): number {
    hashKey(bytes, keyStart, keyEnd, this.#seed);
    const a = keyHash[0]!;
    const b = keyHash[1]!;
    const c = keyHash[2]!;
    const d = keyHash[3]!;
    const hashes = this.#hashes;
    let slot = Math.floor(((a >>> 0) / 2 ** 32) * this.#slots);
    while (this.#offsets[slot] !== 0) {
      const at = 4 * slot;
      if (hashes[at] === a && hashes[at + 1] === b && hashes[at + 2] === c && hashes[at + 3] === d)
        break;
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    }
    return slot;
  }
}
