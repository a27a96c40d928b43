import type { GroupOffset } from "../admin/group-offsets.ts";
import { partitionKey, type TopicPartition } from "../connection/offsets.ts";

interface Entry extends TopicPartition {
  /** Of the next record that was not processed yet: what may be committed. */
  processed: number;
  /** Of the record after those in the application's hands. */
  handedOut: number;
  committed: number;
}

/**
 * How far a member has processed its partitions. What was handed out counts as processed once the
 * application comes back for more, never before: at least once.
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

  /** The application goes on, so it is done with what it had. */
  settle(): void {
    for (const entry of this.#entries.values()) entry.processed = entry.handedOut;
  }

  /** Reading goes on elsewhere, and that is where the group is to go on from. */
  seek(at: TopicPartition, offset: number): void {
    const entry = this.#entries.get(partitionKey(at));
    if (entry !== undefined) entry.processed = entry.handedOut = offset;
  }

  /** What was processed and not committed, of these partitions or of all. */
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
