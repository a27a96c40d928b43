/**
 * An immutable map: `with` returns a changed one. A map is a base, which many maps share, and its
 * own changes. When there are many changes, they are merged into a new base. So a change costs
 * about the square root of the map's size, not the whole size: otherwise creating thousands of
 * topics one by one would copy the map of topics thousands of times.
 */
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  readonly #changes: Changes<K, V>;
  /** The base and the changes that this base was merged from; null if it was not merged. */
  readonly #origin: Origin<K, V> | null;
  readonly size: number;

  constructor(
    base: ReadonlyMap<K, V> = new Map(),
    changes: Changes<K, V> = new Map(),
    origin: Origin<K, V> | null = null,
  ) {
    this.#base = base;
    this.#changes = changes;
    this.#origin = origin;
    this.size = base.size;
    for (const [key, value] of changes) {
      this.size += Number(value !== undefined) - Number(base.has(key));
    }
  }

  /** This map with `changes`; undefined removes a key. */
  with(changes: Changes<K, V>): LayeredMap<K, V> {
    const all = new Map([...this.#changes, ...changes]);
    const layered = new LayeredMap(this.#base, all, this.#origin);
    const many = all.size > MIN_MERGED && all.size ** 2 > this.#base.size;
    if (!many) return layered;
    const origin = { base: new WeakRef(this.#base), changes: all };
    return new LayeredMap<K, V>(merged(this.#base, all), new Map(), origin);
  }

  /**
   * The keys whose value here is not the same object as in `before`. Compares only the changes if
   * this map was made from `before` with few changes since, else all keys of both.
   */
  changedSince(before: LayeredMap<K, V>): K[] {
    if (before === this) return [];
    const keys = new Set<K>();
    for (const part of this.#apartFrom(before)) for (const key of part.keys()) keys.add(key);
    return [...keys].filter((key) => before.get(key) !== this.get(key));
  }

  #apartFrom(before: LayeredMap<K, V>): readonly ReadonlyMap<K, unknown>[] {
    const changes = [before.#changes, this.#changes];
    if (before.#base === this.#base) return changes;
    if (before.#base === this.#origin?.base.deref()) return [...changes, this.#origin.changes];
    return [before, this];
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

/** Undefined means that a key of the base was deleted. */
type Changes<K, V> = ReadonlyMap<K, V | undefined>;

interface Origin<K, V> {
  /** Weak: when no map has this base any more, no `changedSince` needs it. */
  readonly base: WeakRef<ReadonlyMap<K, V>>;
  readonly changes: Changes<K, V>;
}

const MIN_MERGED = 32;

/** Copies the base as a map, which is faster than entry by entry, then the changes. */
function merged<K, V>(base: ReadonlyMap<K, V>, changes: Changes<K, V>): Map<K, V> {
  const all = new Map(base);
  for (const [key, value] of changes) {
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  }
  return all;
}
