// What a group consumer needs of its membership, whichever protocol the group speaks.
//
// 1. A membership works in the background. What it finds out (an assignment, a loss) waits in
//    `offered` and `lost` until the consumer deals with it inside a poll.
// 2. After a loss nothing that belonged to the membership before it is offered.
import type { TopicPartition } from "../connection/offsets.ts";
import { Deadline } from "../connection/retry.ts";
import type { KafkaResponseError } from "../errors.ts";
import type { Committer } from "./group-offsets.ts";

export abstract class Membership {
  /** An assignment that the consumer has not taken yet. */
  offered: readonly TopicPartition[] | null = null;
  /** Whether the group has removed this member: others may read its partitions already. */
  lost = false;
  /** Whether this member has to join, for the first time or again. */
  joinWanted = true;
  /** An error that a retry can't solve: fenced, refused, or a bug. */
  failure: Error | null = null;
  /** The last error of an attempt that goes on, and until when poll hides it. */
  trouble: { readonly error: Error; readonly patience: Deadline } | null = null;
  /** Called after every change of a public field. */
  protected readonly changed: () => void;
  readonly #maxPollIntervalMs: number;
  #pollDue: Deadline | null = null;

  constructor(maxPollIntervalMs: number, changed: () => void) {
    this.#maxPollIntervalMs = maxPollIntervalMs;
    this.changed = changed;
  }

  /** Whether the consumer keeps its partitions while it joins again. */
  abstract readonly cooperative: boolean;
  /** Resolves, and never rejects, when the current join is over; null while there is none. */
  abstract readonly joining: Promise<void> | null;
  /** Null while this is no member: it must not commit then. */
  abstract readonly committer: Committer | null;
  /** The identity with which it asks for committed offsets. */
  abstract readonly reader: Committer;

  abstract subscribe(topics: readonly string[]): void;
  /** Joins in the background; `owned` are the partitions that the consumer has now. */
  abstract join(owned: readonly TopicPartition[]): void;
  /** The consumer begins to give up partitions that the offered assignment lacks. */
  abstract revoking(): void;
  /** The consumer has taken the offered assignment: it has all of these, and nothing else. */
  abstract accepted(assigned: readonly TopicPartition[]): void;
  /**
   * Draws the consequences from the error code of a commit, or of a question for offsets. Returns
   * the error for the caller; it is retriable if the same request may succeed soon.
   */
  abstract refused(errorCode: number, about: string): KafkaResponseError;
  /** Joins no more, and offers nothing more. A last commit is still possible. */
  abstract stop(): void;
  /** Ends the membership, and leaves the group if `leave`. Never rejects. */
  abstract end(leave: boolean): Promise<void>;

  /** The id of a topic whose partitions this member has; undefined if it does not know. */
  topicIdOf(_topic: string): string | undefined {
    return undefined;
  }

  /** Whether a poll has something to do for the group before it hands out records. */
  get wantsAttention(): boolean {
    return this.failure !== null || this.lost || this.offered !== null || this.joinDue;
  }

  get joinDue(): boolean {
    return this.joinWanted && this.joining === null;
  }

  /**
   * Called at the end of every poll: starts the time until the next is due (max.poll.interval.ms).
   */
  polled(): void {
    this.#pollDue = new Deadline(this.#maxPollIntervalMs);
  }

  /** Called at the start of every poll: none is due while it runs. */
  polling(): void {
    this.#pollDue = null;
  }

  protected get pollOverdue(): boolean {
    return this.#pollDue?.remainingMs === 0;
  }

  /** Notes an error that is retried; poll rejects with it when it has lasted `patienceMs`. */
  protected retried(error: Error, patienceMs: number): void {
    const patience = this.trouble?.patience ?? new Deadline(patienceMs);
    this.trouble = { error, patience };
  }
}
