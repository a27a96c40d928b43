import type { RecordInput } from "@tarpan/protocol";
import type { StoredRecord } from "./held-records.ts";
import type { DueMs } from "./held-state.ts";

export type OutgoingRecord = Omit<RecordInput, "timestamp" | "offsetDelta">;

/** What becomes of a message when its time has come. */
export interface Wanted {
  readonly topic: string;
  /** Null: the partition of its key, as Kafka's clients choose it. */
  readonly partition: number | null;
  /** Wall clock, ms. */
  readonly dueMs: number;
  readonly record: OutgoingRecord;
}

/** One kind of messages that are held: what their records mean. */
export interface HeldRules {
  readonly dueMs: DueMs;
  read(record: StoredRecord): Wanted;
  /**
   * The same message as it is written again, with its time in place of a delay. `timeMs`: when it
   * is looked at next, wall clock, ms, which is earlier than its record says if it was hurried.
   */
  moved(record: StoredRecord, timeMs: number): OutgoingRecord;
  /** The same message for the topic of dead letters. */
  deadLetter(wanted: Wanted, offset: number, reason: string): Wanted;
}
