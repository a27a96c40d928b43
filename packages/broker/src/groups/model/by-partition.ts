/** By topic and partition. */
export type ByTopic<Value> = ReadonlyMap<string, ReadonlyMap<number, Value>>;

/**
 * A value for each group, topic and partition.
 *
 * Invariant: no map in it is empty, so it has a group only while that group has a value.
 */
export class ByPartition<Value> {
  readonly #groups = new Map<string, Map<string, Map<number, Value>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  groupIds(): MapIterator<string> {
    return this.#groups.keys();
  }

  /** Undefined for a group without values. */
  topicsOf(group: string): ByTopic<Value> | undefined {
    return this.#groups.get(group);
  }

  get(group: string, topic: string, partition: number): Value | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition);
  }

  put(group: string, topic: string, partition: number, value: Value): void {
    let topics = this.#groups.get(group);
    if (topics === undefined) {
      topics = new Map();
      this.#groups.set(group, topics);
    }
    let partitions = topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      topics.set(topic, partitions);
    }
    const before = partitions.size;
    partitions.set(partition, value);
    this.#size += partitions.size - before;
  }

  remove(group: string, topic: string, partition: number): void {
    const topics = this.#groups.get(group);
    const partitions = topics?.get(topic);
    if (topics === undefined || !partitions?.delete(partition)) return;
    this.#size -= 1;
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#groups.delete(group);
  }

  *[Symbol.iterator](): Generator<readonly [string, string, number, Value]> {
    for (const [group, topics] of this.#groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, value] of partitions) yield [group, topic, partition, value];
      }
    }
  }
}
