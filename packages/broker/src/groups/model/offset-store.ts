import type { GroupRecord } from "@tarpan/protocol";
import { ByPartition, type ByTopic } from "./by-partition.ts";
import type { CommittedOffset } from "./committed-offset.ts";
import { PendingOffsets } from "./pending-offsets.ts";

type OffsetCommit = Extract<GroupRecord, { record: "OffsetCommit" }>;
export type OffsetRecord = Extract<
  GroupRecord,
  { record: "OffsetCommit" | "PendingOffset" | "TransactionEnd" }
>;

/**
 * The offsets of one shard's groups: those that are committed, and those that wait for the end of a
 * transaction. `apply` is the only writer.
 */
export class OffsetStore {
  readonly #committed = new ByPartition<CommittedOffset>();
  readonly pending = new PendingOffsets();

  /** The number of committed offsets of all groups. */
  get size(): number {
    return this.#committed.size;
  }

  /**
   * Standalone consumers (assign) have a group that is known only by its offsets. In Kafka it is an
   * empty classic group without a protocol type.
   */
  hasGroup(groupId: string): boolean {
    return this.#committed.has(groupId) || this.pending.hasGroup(groupId);
  }

  *groupIds(): Generator<string> {
    yield* this.#committed.groupIds();
    for (const groupId of this.pending.groupIds()) {
      if (!this.#committed.has(groupId)) yield groupId;
    }
  }

  /** Undefined for a group without committed offsets. */
  topicsOf(groupId: string): ByTopic<CommittedOffset> | undefined {
    return this.#committed.topicsOf(groupId);
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(groupId, topic, partition);
  }

  /** Tombstones of all offsets of a group, for the caller to append. Changes nothing. */
  deleteGroup(groupId: string): GroupRecord[] {
    const tombstones: GroupRecord[] = this.pending.deleteGroup(groupId);
    for (const [topic, partitions] of this.topicsOf(groupId) ?? []) {
      for (const partition of partitions.keys())
        tombstones.push(tombstone(groupId, topic, partition));
    }
    return tombstones;
  }

  /** The same for the offsets of one partition. */
  deletePartition(groupId: string, topic: string, partition: number): GroupRecord[] {
    const tombstones = this.pending.deletePartition(groupId, topic, partition);
    const isCommitted = this.get(groupId, topic, partition) !== undefined;
    return isCommitted ? [...tombstones, tombstone(groupId, topic, partition)] : tombstones;
  }

  apply(record: OffsetRecord): void {
    switch (record.record) {
      case "OffsetCommit":
        this.#applyCommit(record);
        break;
      case "PendingOffset":
        this.pending.apply(record);
        break;
      case "TransactionEnd":
        for (const { group, topic, partition, value } of this.pending.end(record)) {
          this.#committed.put(group, topic, partition, value);
        }
        break;
    }
  }

  #applyCommit({ key: { group, topic, partition }, value }: OffsetCommit): void {
    if (value === null) {
      this.#committed.remove(group, topic, partition);
    } else {
      this.#committed.put(group, topic, partition, value);
      this.pending.outdate(group, topic, partition);
    }
  }

  /**
   * Pending offsets come first: when a transaction ends while the snapshot is written, its offsets
   * are among them, or are committed before the committed ones are written. A committed offset and
   * the pending ones of its partition are one unit: the former alone would outdate the latter.
   */
  *records(): Generator<readonly GroupRecord[]> {
    yield* this.pending.records();
    for (const [group, topic, partition, value] of this.#committed) {
      const unit: GroupRecord[] = [
        { record: "OffsetCommit", key: { group, topic, partition }, value },
      ];
      for (const record of this.pending.recordsOf(group, topic, partition)) unit.push(record);
      yield unit;
    }
    yield* this.pending.producerRecords();
  }
}

export function tombstone(group: string, topic: string, partition: number): OffsetCommit {
  return { record: "OffsetCommit", key: { group, topic, partition }, value: null };
}
