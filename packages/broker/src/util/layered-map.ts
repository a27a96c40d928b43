/**
 * A map that is never changed: `with` makes the next one. A few changes lie over a base that many
 * maps share and are merged into a new base when they have become many, so that a change costs
 * about the square root of the map's size instead of all of it. Thousands of topics created one
 * by one would otherwise copy the map of topics thousands of times.
 */
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  /** Undefined says that a key of the base is gone. */
  readonly #changes: ReadonlyMap<K, V | undefined>;
  readonly size: number;

  constructor(
    base: ReadonlyMap<K, V> = new Map(),
    changes: ReadonlyMap<K, V | undefined> = new Map(),
  ) {
    this.#base = base;
    this.#changes = changes;
    this.size = base.size;
    for (const [key, value] of changes) {
      this.size += Number(value !== undefined) - Number(base.has(key));
    }
  }

  /** This map with `changes`; undefined removes a key. */
  with(changes: ReadonlyMap<K, V | undefined>): LayeredMap<K, V> {
    const all = new Map([...this.#changes, ...changes]);
    const layered = new LayeredMap(this.#base, all);
    const many = all.size > MIN_MERGED && all.size ** 2 > this.#base.size;
    return many ? new LayeredMap(new Map(layered)) : layered;
  }

  get(key: K): V | undefined {
    const changed = this.#changes.get(key);
    if (changed !== undefined) return changed;
    return this.#changes.has(key) ? undefined : this.#base.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): MapIterator<[K, V]> {
    for (const entry of this.#base) if (!this.#changes.has(entry[0])) yield entry;
    for (const [key, value] of this.#changes) if (value !== undefined) yield [key, value];
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(each: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) each(value, key, this);
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }
}

const MIN_MERGED = 32;
