import type { GroupRecord, GroupValue } from "@tarpan/protocol";

/** As it is recorded: what `apply` is given is kept, not copied. */
export type CommittedOffset = GroupValue<"OffsetCommit">;

type OffsetCommit = Extract<GroupRecord, { record: "OffsetCommit" }>;
type TopicOffsets = ReadonlyMap<string, PartitionOffsets>;
type PartitionOffsets = ReadonlyMap<number, CommittedOffset>;

/**
 * What the groups of one shard have committed. `apply` is the only writer.
 *
 * Invariant: no map in it is empty, so a group is known here just as long as it has an offset.
 */
export class OffsetStore {
  readonly #groups = new Map<string, Map<string, Map<number, CommittedOffset>>>();
  #size = 0;

  /** Committed offsets of all groups together. */
  get size(): number {
    return this.#size;
  }

  /**
   * A group may be known by its offsets alone: that of consumers which are assigned partitions by
   * hand. For Kafka it is an empty classic group without a protocol type.
   */
  hasGroup(groupId: string): boolean {
    return this.#groups.has(groupId);
  }

  groupIds(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** By topic and partition; undefined for a group without offsets. */
  topicsOf(groupId: string): TopicOffsets | undefined {
    return this.#groups.get(groupId);
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition);
  }

  /** Tombstones of all offsets of a group, to be pushed by whoever deletes it. Changes nothing. */
  deleteGroup(groupId: string): GroupRecord[] {
    const tombstones: GroupRecord[] = [];
    for (const [topic, partitions] of this.#groups.get(groupId) ?? []) {
      for (const partition of partitions.keys())
        tombstones.push(tombstone(groupId, topic, partition));
    }
    return tombstones;
  }

  apply({ key: { group, topic, partition }, value }: OffsetCommit): void {
    if (value === null) this.#remove(group, topic, partition);
    else this.#put(group, topic, partition, value);
  }

  *records(): Generator<readonly GroupRecord[]> {
    for (const [group, topics] of this.#groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, value] of partitions) {
          yield [{ record: "OffsetCommit", key: { group, topic, partition }, value }];
        }
      }
    }
  }

  #put(group: string, topic: string, partition: number, value: CommittedOffset): void {
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

  #remove(group: string, topic: string, partition: number): void {
    const topics = this.#groups.get(group);
    const partitions = topics?.get(topic);
    if (topics === undefined || !partitions?.delete(partition)) return;
    this.#size -= 1;
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#groups.delete(group);
  }
}

export function tombstone(group: string, topic: string, partition: number): OffsetCommit {
  return { record: "OffsetCommit", key: { group, topic, partition }, value: null };
}
