/** Bits of the filter for each prefix. Two of them are set: one name in 60 is found in vain. */
const BITS_PER_PREFIX = 16;
const LEAST_BITS_LOG2 = 10;

// FNV-1a: the hash of a text goes on from the hash of the text without its last character.
const HASH_BASIS = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
const SECOND_HASH_PRIME = 0x9e3779b1;

/**
 * A map whose keys are prefixes, which finds all that a name begins with. Only few of a name's
 * beginnings are a key, so a Bloom filter is asked first: it reads each character once, while a
 * look-up in a map would cost a copy, a hash and, with many prefixes, several cache misses each.
 */
export class PrefixMap<V> {
  readonly #values = new Map<string, V>();
  #filter = new Int32Array(1);
  /** An index into the filter is the upper bits of a hash. */
  #shift = 0;
  /** Prefixes that the filter has, with those that were deleted since it was made. */
  #filtered = 0;
  /** At least the length of the longest prefix. */
  #maxLength = 0;

  constructor() {
    this.#makeFilter();
  }

  get(prefix: string): V | undefined {
    return this.#values.get(prefix);
  }

  set(prefix: string, value: V): void {
    const isNew = !this.#values.has(prefix);
    this.#values.set(prefix, value);
    if (!isNew) return;
    if ((this.#filtered + 1) * BITS_PER_PREFIX > this.#filter.length * 32) this.#makeFilter();
    else this.#addToFilter(prefix);
  }

  delete(prefix: string): void {
    this.#values.delete(prefix);
  }

  /** Calls `visit` with the value of each prefix of the name, shortest first, until one is true. */
  some(name: string, visit: (value: V) => boolean): boolean {
    if (this.#values.size === 0) return false;
    const last = Math.min(name.length, this.#maxLength);
    let hash = HASH_BASIS;
    for (let i = 0; i < last; i++) {
      hash = Math.imul(hash ^ name.charCodeAt(i), HASH_PRIME);
      if (!this.#mayHave(hash)) continue;
      const value = this.#values.get(name.slice(0, i + 1));
      if (value !== undefined && visit(value)) return true;
    }
    return false;
  }

  #mayHave(hash: number): boolean {
    const first = hash >>> this.#shift;
    if ((this.#filter[first >>> 5]! & (1 << first)) === 0) return false;
    const second = Math.imul(hash, SECOND_HASH_PRIME) >>> this.#shift;
    return (this.#filter[second >>> 5]! & (1 << second)) !== 0;
  }

  /** With room for twice as many prefixes as there are. */
  #makeFilter(): void {
    const bits = 2 * BITS_PER_PREFIX * this.#values.size;
    const bitsLog2 = Math.max(LEAST_BITS_LOG2, Math.ceil(Math.log2(bits)));
    this.#filter = new Int32Array(2 ** (bitsLog2 - 5));
    this.#shift = 32 - bitsLog2;
    this.#filtered = 0;
    this.#maxLength = 0;
    for (const prefix of this.#values.keys()) this.#addToFilter(prefix);
  }

  #addToFilter(prefix: string): void {
    let hash = HASH_BASIS;
    for (let i = 0; i < prefix.length; i++) {
      hash = Math.imul(hash ^ prefix.charCodeAt(i), HASH_PRIME);
    }
    const first = hash >>> this.#shift;
    this.#filter[first >>> 5]! |= 1 << first;
    const second = Math.imul(hash, SECOND_HASH_PRIME) >>> this.#shift;
    this.#filter[second >>> 5]! |= 1 << second;
    this.#filtered++;
    this.#maxLength = Math.max(this.#maxLength, prefix.length);
  }
}
