import type { GroupOffset } from "../admin/group-offsets.ts";
import { partitionKey, type TopicPartition } from "../connection/offsets.ts";

interface Entry extends TopicPartition {
  /** The offset of the first record not processed yet: this is what a commit commits. */
  processed: number;
  /** The offset after the last record handed out. */
  handedOut: number;
  committed: number;
}

/**
 * How far a member has processed its partitions. Records count as processed only when the
 * application asks for more: delivery is at least once.
 */
export class Progress {
  readonly #entries = new Map<string, Entry>();

  start(at: TopicPartition, offset: number, committed: number): void {
    const { topic, partition } = at;
    const entry = { topic, partition, processed: offset, handedOut: offset, committed };
    this.#entries.set(partitionKey(at), entry);
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#entries.delete(partitionKey(at));
  }

  has(at: TopicPartition): boolean {
    return this.#entries.has(partitionKey(at));
  }

  handOut(at: TopicPartition, nextOffset: number): void {
    const entry = this.#entries.get(partitionKey(at));
    if (entry !== undefined) entry.handedOut = nextOffset;
  }

  /** Marks all records that were handed out as processed. */
  settle(): void {
    for (const entry of this.#entries.values()) entry.processed = entry.handedOut;
  }

  /** After a seek the next commit commits the new position. */
  seek(at: TopicPartition, offset: number): void {
    const entry = this.#entries.get(partitionKey(at));
    if (entry !== undefined) entry.processed = entry.handedOut = offset;
  }

  /** Processed offsets that are not committed yet, of the partitions in `among` or of all. */
  uncommitted(among?: readonly TopicPartition[]): GroupOffset[] {
    const keys = among === undefined ? null : new Set(among.map(partitionKey));
    const offsets: GroupOffset[] = [];
    for (const [key, { topic, partition, processed, committed }] of this.#entries)
      if (processed !== committed && (keys === null || keys.has(key)))
        offsets.push({ topic, partition, offset: processed });
    return offsets;
  }

  committed(offsets: readonly GroupOffset[]): void {
    for (const at of offsets) {
      const entry = this.#entries.get(partitionKey(at));
      if (entry !== undefined) entry.committed = at.offset;
    }
  }
}
