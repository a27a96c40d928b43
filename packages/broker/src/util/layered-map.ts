/**
 * A map that is never changed: `with` makes the next one. A few changes lie over a base that many
 * maps share and are merged into a new base when they have become many, so that a change costs
 * about the square root of the map's size instead of all of it. Thousands of topics created one
 * by one would otherwise copy the map of topics thousands of times.
 */
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  readonly #changes: Changes<K, V>;
  /** Of what this base was merged; null where it was not. */
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
    return new LayeredMap<K, V>(new Map(layered), new Map(), origin);
  }

  /**
   * The keys that have another value here than in `before`, where a value is equal to itself only.
   * It looks at the changes alone where `before` is one of the maps that this one was made of, not
   * many changes ago, and at all keys of both otherwise.
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
  /** A weak reference: without a map over it, nobody asks what has changed since then. */
  readonly base: WeakRef<ReadonlyMap<K, V>>;
  readonly changes: Changes<K, V>;
}

const MIN_MERGED = 32;
