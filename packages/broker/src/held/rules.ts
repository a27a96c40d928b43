import type { RecordInput, RecordWalk } from "@tarpan/protocol";
import type { StoredRecord } from "./held-records.ts";
import type { NewTopic } from "./topic-creator.ts";

export type OutgoingRecord = Omit<RecordInput, "timestamp" | "offsetDelta">;

/** What becomes of a message when its time has come. */
export interface Wanted {
  readonly topic: string;
  /** Null: the partition of its key, as Kafka's clients choose it. */
  readonly partition: number | null;
  /** In place of a partition: the one with this number, modulo their count. */
  readonly turn?: number;
  /** Wall clock, ms; null: when its resolution was read. */
  readonly dueMs: number | null;
  readonly record: OutgoingRecord;
}

/** What a client's record does to the message that it is about. */
export type Effect = "holds" | "cancels" | "commits" | "rolls back";

/** When the current record of the walk is due, wall clock, ms. */
export type DueMs = (walk: RecordWalk, appendedMs: number) => number;

/** What clients' records, and moved ones, do to the state. They read the walk's current record. */
export interface RecordRules {
  /** Computes the hash of what identifies the message, into `idHash`. */
  hash(walk: RecordWalk): void;
  effect(walk: RecordWalk): Effect;
  readonly dueMs: DueMs;
  /** Of a moved record: the progress (see progress.ts) that its message had. */
  progress(walk: RecordWalk): number;
  /** Whether a message waits until it is committed, not only for a time. */
  readonly needsResolution: boolean;
}

/** Names a message for an administrator. */
export interface MessageName {
  readonly id: Uint8Array;
  /** The producer group; null for a kind that has none. */
  readonly group: string | null;
}

/** How the producers of a message are asked whether it is to be delivered. */
export interface CheckRules {
  /** The record that asks, when so many were sent before. */
  check(record: StoredRecord, sent: number): Wanted;
  /** Whether a message is rolled back after so many. */
  isOver(sent: number): boolean;
  /** Why it is, for its dead letter. */
  rollBackReason(sent: number): string;
  /** When the message is looked at again after a check that was delivered now. */
  nextMs(nowMs: number): number;
  /** The topic that checks are delivered to, if it is missing. */
  newTopic(name: string): NewTopic;
}

/** One kind of messages that are held: what their records mean. */
export interface HeldRules extends RecordRules {
  hashName(name: MessageName): void;
  /** The producer group of a message; null for a kind that has none. */
  groupOf(record: StoredRecord): string | null;
  /** What is delivered. */
  read(record: StoredRecord): Wanted;
  /**
   * The same message as it is written again, with its time in place of a delay, and its progress.
   * `timeMs`: when it is looked at next, wall clock, ms, which is earlier than its record says if
   * it was hurried.
   */
  moved(record: StoredRecord, timeMs: number, progress: number): OutgoingRecord;
  /** The same message for the topic of dead letters. */
  deadLetter(wanted: Wanted, offset: number, reason: string): Wanted;
  /** Null for a kind whose messages need no resolution. */
  readonly checks: CheckRules | null;
}
