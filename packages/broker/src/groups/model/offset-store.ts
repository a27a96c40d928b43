import type { GroupRecord, GroupValue } from "@tarpan/protocol";

/** The value of the record: `apply` keeps it and makes no copy. */
export type CommittedOffset = GroupValue<"OffsetCommit">;

type OffsetCommit = Extract<GroupRecord, { record: "OffsetCommit" }>;
type TopicOffsets = ReadonlyMap<string, PartitionOffsets>;
type PartitionOffsets = ReadonlyMap<number, CommittedOffset>;

/**
 * The committed offsets of one shard's groups. `apply` is the only writer.
 *
 * Invariant: no map in it is empty, so it has a group only while that group has an offset.
 */
export class OffsetStore {
  readonly #groups = new Map<string, Map<string, Map<number, CommittedOffset>>>();
  #size = 0;

  /** The number of committed offsets of all groups. */
  get size(): number {
    return this.#size;
  }

  /**
   * Standalone consumers (assign) have a group that is known only by its offsets. In Kafka it is an
   * empty classic group without a protocol type.
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

  /** Tombstones of all offsets of a group, for the caller to append. Changes nothing. */
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
