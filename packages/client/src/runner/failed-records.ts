// What happens to a record whose handler has failed: another attempt, here or by way of the broker,
// a dead letter, or the end of the run.

import type { Client } from "../connection/client.ts";
import { ClientError } from "../errors.ts";
import { DELAYED_TOPIC, requireDelayedMessages } from "../producer/delayed-record.ts";
import type { ConsumedRecord, ProducerRecord } from "../record.ts";
import { type Attempts, newAttempts } from "./attempts.ts";
import {
  type DeadLetterReason,
  deadLetter,
  type Failure,
  handlerFailed,
  safeString,
} from "./dead-letter.ts";
import { FailureTopics } from "./failure-topics.ts";
import type { Lane, PartitionLanes } from "./partition-lanes.ts";
import { type Retried, readRetry, retryRecord } from "./retry-record.ts";
import { type RunSettings, retryDelayMs } from "./run-options.ts";

interface Host {
  readonly client: Client;
  readonly groupId: string;
  readonly memberId: () => string;
  readonly alsoRead: (topic: string) => void;
}

interface Effects {
  /** The lane's head may run again. */
  readonly retry: (lane: Lane) => void;
  /** Commits the partition's attempts. */
  readonly save: (partition: PartitionLanes) => void;
  /** The partition may have nothing at work any more. */
  readonly idle: (partition: PartitionLanes) => void;
  /** Another topic has the lane's head, or the partition was given up. */
  readonly done: (lane: Lane) => void;
  /** Ends the run. */
  readonly fail: (error: Error) => void;
}

export class FailedRecords {
  readonly #host: Host;
  readonly #settings: RunSettings;
  readonly #run: Effects;
  readonly #topics: FailureTopics;
  /** Null if retries stay in their lane. */
  readonly #retryTopic: string | null;

  constructor(host: Host, settings: RunSettings, run: Effects) {
    this.#host = host;
    this.#settings = settings;
    this.#run = run;
    this.#topics = new FailureTopics(host.client);
    const elsewhere = settings.retry.mode === "non-blocking";
    this.#retryTopic = elsewhere ? `${host.groupId}.retry` : null;
  }

  /** Rejects if retries need what the cluster has not. */
  async prepare(): Promise<void> {
    if (this.#retryTopic === null) return;
    await requireDelayedMessages(this.#host.client, 'retry.mode "non-blocking"');
    await this.#topics.ensure(this.#retryTopic);
    this.#host.alsoRead(this.#retryTopic);
  }

  close(): Promise<void> {
    return this.#topics.close();
  }

  /** The record as it was first read, which the handler sees. */
  shown(record: ConsumedRecord): ConsumedRecord {
    return this.#retriedOf(record)?.record ?? record;
  }

  /** Attempts that were made before the record came to its partition. */
  attemptsBefore(record: ConsumedRecord): number {
    return this.#retriedOf(record)?.attempts ?? 0;
  }

  /** `counted`: the attempt is counted already. */
  failed(lane: Lane, error: unknown, counted: boolean): void {
    const { partition } = lane;
    const record = partition.recordAt(lane.head);
    const nowMs = Date.now();
    const attempts = partition.attempts.get(record.offset) ?? newAttempts(nowMs);
    if (!counted) attempts.count++;
    attempts.lastFailureMs = nowMs;
    attempts.lastError = error;
    partition.attempts.set(record.offset, attempts);
    const failure = this.#failureOf(record, attempts);
    if (this.#isFinal(error)) this.#giveUp(lane, failure, "final-error");
    else if (failure.attempts.count > this.#settings.retry.maxRetries)
      this.#giveUp(lane, failure, "retries-exhausted");
    else if (this.#retryTopic !== null) this.#retryElsewhere(lane, failure, this.#retryTopic);
    else this.#retryLater(lane, failure);
  }

  /** The record has used up its attempts in processes that have ended. */
  exhausted(lane: Lane): void {
    const { partition } = lane;
    const record = partition.recordAt(lane.head);
    const failure = this.#failureOf(record, partition.attempts.get(record.offset)!);
    this.#giveUp(lane, failure, "process-ended");
  }

  #isFinal(error: unknown): boolean {
    try {
      return this.#settings.retry.isFinal(error);
    } catch (bug) {
      this.#run.fail(bug as Error);
      return false;
    }
  }

  /** The record as it was first read, with all its attempts. */
  #failureOf(record: ConsumedRecord, attempts: Attempts): Failure {
    const retried = this.#retriedOf(record);
    if (retried === null) return { record, attempts };
    const count = retried.attempts + attempts.count;
    const { firstFailureMs } = retried;
    return { record: retried.record, attempts: { ...attempts, count, firstFailureMs } };
  }

  #retriedOf(record: ConsumedRecord): Retried | null {
    return record.topic === this.#retryTopic ? readRetry(record) : null;
  }

  #retryLater(lane: Lane, { record, attempts }: Failure): void {
    const { topic, partition, offset } = record;
    const what = `handling ${topic}-${partition} offset ${offset}`;
    lane.trouble ??= this.#host.client.troubles.operation(what);
    const error = attempts.lastError;
    lane.trouble.failed(error instanceof Error ? error : new Error(safeString(error)), true);
    lane.partition.retrying.add(lane);
    if (lane.partition.leaving) return;
    // So that a crash during the wait forgets no attempt.
    this.#run.save(lane.partition);
    const delayMs = retryDelayMs(this.#settings.retry, attempts.count);
    lane.retryTimer = setTimeout(() => this.#run.retry(lane), delayMs);
  }

  /** Lets the broker bring the record back, so that nothing here waits for it. */
  #retryElsewhere(lane: Lane, failure: Failure, topic: string): void {
    const delayMs = retryDelayMs(this.#settings.retry, failure.attempts.count);
    const delayed = retryRecord(failure, topic, this.#host.groupId, delayMs);
    // A record that is nearly as large as its topic allows has no room for the headers of a retry.
    const refused = () => this.#retryLater(lane, failure);
    this.#moveTo(DELAYED_TOPIC, lane, () => delayed, refused);
  }

  endRetries(lane: Lane, succeeded: boolean): void {
    if (lane.trouble === null) return;
    clearTimeout(lane.retryTimer);
    if (succeeded) lane.trouble.worked();
    else lane.trouble.failed(new ClientError("TARPAN_REVOKED", lane.trouble.what), false);
    lane.trouble = null;
    lane.partition.retrying.delete(lane);
  }

  /** The record has failed for good: it becomes a dead letter, or ends the run. */
  #giveUp(lane: Lane, failure: Failure, reason: DeadLetterReason): void {
    const { deadLetterTopic } = this.#settings;
    if (deadLetterTopic === null) {
      // The next run shall try again.
      const { partition, head } = lane;
      partition.attempts.delete(partition.recordAt(head).offset);
      this.#run.fail(handlerFailed(failure));
      return;
    }
    const topic = deadLetterTopic(failure.record.topic);
    const reader = { groupId: this.#host.groupId, memberId: this.#host.memberId() };
    this.#moveTo(topic, lane, (count) => deadLetter(failure, reason, reader, topic, count));
  }

  /**
   * The lane's head is done once another topic has the record that `make` makes of it. `refused` is
   * called if that topic will never take it; without it, it is tried for ever.
   */
  #moveTo(
    topic: string,
    lane: Lane,
    make: (partitions: number) => ProducerRecord,
    refused?: () => void,
  ): void {
    const { partition } = lane;
    partition.busy++;
    void this.#topics
      .send(topic, make, () => !partition.gone, refused !== undefined)
      .then((isSent) => {
        partition.busy--;
        if (!isSent && !partition.gone) {
          refused?.();
          this.#run.idle(partition);
          return;
        }
        this.endRetries(lane, false);
        this.#run.done(lane);
      });
  }
}
