// Reads the group's partitions and lets the application's handlers process their records.
//
// 1. The group's offset of a partition never passes a record that is not done. A record is done
//    when its handler has succeeded, or when another topic has it (a dead letter).
// 2. Nothing of a partition starts before the group's offset says that a run is at work there
//    (`open`), so that the run after a crash knows that it must be careful (attempts.ts).
// 3. A partition that is revoked is drained, for a bounded time, then committed. Nothing is
//    committed for a partition that was lost. Results that come later are ignored in both cases.
import type { GroupOffset } from "../admin/group-offsets.ts";
import type { Client } from "../connection/client.ts";
import { partitionKey, type TopicPartition } from "../connection/offsets.ts";
import { ClientError } from "../errors.ts";
import type { ConsumedRecord } from "../record.ts";
import { decodeAttempts, newAttempts } from "./attempts.ts";
import { CommitRounds, offsetOf } from "./commit-rounds.ts";
import { type DeadLetterReason, deadLetter, type Failure, handlerFailed } from "./dead-letter.ts";
import { FailureTopics } from "./failure-topics.ts";
import { HandlerCalls } from "./handler-calls.ts";
import { laneHash } from "./lane-hash.ts";
import { type Lane, PartitionLanes } from "./partition-lanes.ts";
import { type RunSettings, retryDelayMs } from "./run-options.ts";

/** What a run needs of its group consumer. */
export interface RunHost {
  readonly client: Client;
  readonly groupId: string;
  readonly commitIntervalMs: number;
  readonly memberId: () => string;
  /** The next records. Attends to the group, and calls `assigned`, `release` and `abandon`. */
  readonly fetch: () => Promise<ConsumedRecord[]>;
  /** Resolves to false if the group does not take the offsets now. */
  readonly commit: (offsets: readonly GroupOffset[]) => Promise<boolean>;
  readonly position: (topic: string, partition: number) => number;
  readonly pause: (partitions: readonly TopicPartition[]) => void;
  readonly resume: (partitions: readonly TopicPartition[]) => void;
  /** Makes a waiting `fetch` return. */
  readonly wakeup: () => void;
  /** Ends the membership; calls `finish` first, then `release`. */
  readonly close: () => Promise<void>;
}

/** A partition and what the group has committed for it. */
export interface Start extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

export class Run {
  readonly #host: RunHost;
  readonly #settings: RunSettings;
  readonly #calls: HandlerCalls;
  readonly #commits: CommitRounds;
  readonly #topics: FailureTopics;
  readonly #partitions = new Map<string, PartitionLanes>();
  #timer: NodeJS.Timeout | undefined;
  #ending = false;
  #failure: Error | null = null;
  readonly #whenIdle = new Set<() => void>();

  constructor(host: RunHost, settings: RunSettings) {
    this.#host = host;
    this.#settings = settings;
    this.#topics = new FailureTopics(host.client);
    this.#calls = new HandlerCalls(settings, {
      mark: (partition, start) => this.#commits.want(partition, start),
      shown: (record) => record,
      attemptsBefore: () => 0,
      succeeded: (lane, count) => this.#succeeded(lane, count),
      failed: (lane, count, error, counted) => this.#failed(lane, count, error, counted),
      exhausted: (lane) => this.#giveUp(lane, "process-ended"),
    });
    this.#commits = new CommitRounds(
      host.commit,
      (partition) => this.#committed(partition),
      (error) => this.#fail(error),
    );
  }

  /** Whether `fetch` should return at once. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Resolves when the run was ended; rejects with what has ended it otherwise. */
  async work(): Promise<void> {
    const { signal } = this.#settings;
    const stop = () => this.#end();
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    const { commitIntervalMs } = this.#host;
    this.#timer = setInterval(() => this.#commitAll(), commitIntervalMs);
    try {
      while (!this.#ending) this.#take(await this.#host.fetch());
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      signal?.removeEventListener("abort", stop);
      await this.#host.close().catch((error: Error) => this.#fail(error));
      clearInterval(this.#timer);
      this.#calls.close();
      await this.#topics.close();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  assigned(starts: readonly Start[]): void {
    const { maxUncommittedRecords } = this.#settings;
    for (const { topic, partition, offset, metadata } of starts) {
      const { open, attempts } = decodeAttempts(offset, metadata);
      const at = { topic, partition };
      const lanes = new PartitionLanes(
        at,
        offset,
        maxUncommittedRecords,
        open,
        laneHash(this.#settings),
      );
      for (const [failed, known] of attempts) lanes.attempts.set(failed, known);
      this.#partitions.set(partitionKey(at), lanes);
      this.#commits.want(lanes);
    }
  }

  /** Starts nothing more, and waits for what runs, up to `drainTimeoutMs`. */
  finish(): Promise<void> {
    this.#end();
    return this.#drain([...this.#partitions.values()]);
  }

  /** Gives partitions up. Resolves to what is to be committed for them. */
  async release(partitions: readonly TopicPartition[]): Promise<GroupOffset[]> {
    const leaving = this.#found(partitions);
    await this.#drain(leaving);
    const offsets = leaving.map((each) => offsetOf(each, false));
    const reason = "the partition was revoked, or the run was ended";
    this.#forget(leaving, new ClientError("TARPAN_REVOKED", reason));
    return offsets;
  }

  /** Others may read these partitions already. */
  abandon(partitions: readonly TopicPartition[]): void {
    const lost = this.#found(partitions);
    for (const each of lost) each.leaving = true;
    this.#forget(lost, new ClientError("TARPAN_LOST", "the partition was lost"));
  }

  #found(partitions: readonly TopicPartition[]): PartitionLanes[] {
    const found = partitions.map((at) => this.#partitions.get(partitionKey(at)));
    return found.filter((each) => each !== undefined);
  }

  #leave(partition: PartitionLanes): void {
    if (partition.leaving) return;
    partition.leaving = true;
    for (const { retryTimer } of partition.retrying) clearTimeout(retryTimer);
    this.#calls.leave(partition);
  }

  async #drain(leaving: readonly PartitionLanes[]): Promise<void> {
    for (const each of leaving) this.#leave(each);
    const isIdle = () => leaving.every(({ busy }) => busy === 0);
    if (isIdle()) return;
    let timer: NodeJS.Timeout | undefined;
    let check = () => {};
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#settings.drainTimeoutMs);
      check = () => (isIdle() ? resolve() : undefined);
      this.#whenIdle.add(check);
    });
    clearTimeout(timer);
    this.#whenIdle.delete(check);
  }

  #forget(partitions: readonly PartitionLanes[], reason: Error): void {
    for (const each of partitions) {
      each.gone = true;
      for (const lane of each.retrying) this.#endRetries(lane, false);
      this.#calls.abandon(each, reason);
      this.#partitions.delete(partitionKey(each));
    }
    this.#calls.pump();
  }

  #take(records: readonly ConsumedRecord[]): void {
    let lanes: PartitionLanes | undefined;
    for (const record of records) {
      if (lanes?.partition !== record.partition || lanes.topic !== record.topic) {
        lanes = this.#partitions.get(partitionKey(record));
        if (lanes !== undefined)
          lanes.position = this.#host.position(record.topic, record.partition);
      }
      lanes?.read(record);
    }
    for (const each of this.#partitions.values()) this.#admit(each);
    this.#calls.pump();
  }

  #admit(partition: PartitionLanes): void {
    if (!partition.opened || partition.leaving) return;
    partition.admit();
    this.#calls.admitted(partition);
    const { waiting, paused } = partition;
    const { maxUncommittedRecords } = this.#settings;
    if (!paused && waiting >= maxUncommittedRecords) {
      partition.paused = true;
      this.#host.pause([partition]);
    } else if (paused && waiting <= maxUncommittedRecords / 2) {
      partition.paused = false;
      this.#host.resume([partition]);
    }
  }

  #committed(partition: PartitionLanes): void {
    partition.opened = true;
    this.#admit(partition);
    this.#calls.pump();
  }

  #commitAll(): void {
    for (const each of this.#partitions.values()) {
      if (each.leaving) continue;
      // It also moves past what no handler sees, such as the markers of transactions.
      if (each.idle) each.position = this.#host.position(each.topic, each.partition);
      if (each.committable !== each.committedOffset) this.#commits.want(each);
    }
  }

  #succeeded(lane: Lane, count: number): void {
    this.#endRetries(lane, true);
    this.#done(lane, count);
  }

  #done(lane: Lane, count: number): void {
    const { partition } = lane;
    lane.singles = Math.max(0, lane.singles - count);
    if (partition.done(lane, count)) this.#calls.ready(lane);
    if (partition.uncommitted * 2 >= this.#settings.maxUncommittedRecords)
      this.#commits.want(partition);
    if (partition.waiting > 0 || partition.paused) this.#admit(partition);
    if (partition.held.length > 0) this.#calls.unhold(partition);
    this.#idle(partition);
  }

  #failed(lane: Lane, count: number, error: unknown, counted: boolean): void {
    const { partition } = lane;
    if (count > 1) {
      lane.singles = count;
      this.#calls.ready(lane);
      this.#idle(partition);
      return;
    }
    const { offset } = partition.recordAt(lane.head);
    const nowMs = Date.now();
    const attempts = partition.attempts.get(offset) ?? newAttempts(nowMs);
    if (!counted) attempts.count++;
    attempts.lastFailureMs = nowMs;
    attempts.lastError = error;
    partition.attempts.set(offset, attempts);
    // So that a crash during the wait forgets no attempt.
    if (!partition.leaving) this.#commits.want(partition);
    const { retry } = this.#settings;
    if (this.#isFinal(error)) this.#giveUp(lane, "final-error");
    else if (attempts.count > retry.maxRetries) this.#giveUp(lane, "retries-exhausted");
    else this.#retryLater(lane, offset, error, retryDelayMs(retry, attempts.count));
    this.#idle(partition);
  }

  #isFinal(error: unknown): boolean {
    try {
      return this.#settings.retry.isFinal(error);
    } catch (bug) {
      this.#fail(bug as Error);
      return false;
    }
  }

  #retryLater(lane: Lane, offset: number, error: unknown, delayMs: number): void {
    const { topic, partition } = lane.partition;
    const what = `handling ${topic}-${partition} offset ${offset}`;
    lane.trouble ??= this.#host.client.troubles.operation(what);
    lane.trouble.failed(error instanceof Error ? error : new Error(String(error)), true);
    lane.partition.retrying.add(lane);
    if (lane.partition.leaving) return;
    lane.retryTimer = setTimeout(() => {
      this.#calls.ready(lane);
      this.#calls.pump();
    }, delayMs);
  }

  #endRetries(lane: Lane, succeeded: boolean): void {
    if (lane.trouble === null) return;
    clearTimeout(lane.retryTimer);
    if (succeeded) lane.trouble.worked();
    else lane.trouble.failed(new ClientError("TARPAN_REVOKED", lane.trouble.what), false);
    lane.trouble = null;
    lane.partition.retrying.delete(lane);
  }

  /** The record has failed for good: it becomes a dead letter, or ends the run. */
  #giveUp(lane: Lane, reason: DeadLetterReason): void {
    const { partition } = lane;
    const record = partition.recordAt(lane.head);
    const failure: Failure = { record, reason, attempts: partition.attempts.get(record.offset)! };
    const { deadLetterTopic } = this.#settings;
    if (deadLetterTopic === null) {
      // The next run shall try again.
      partition.attempts.delete(record.offset);
      this.#fail(handlerFailed(failure));
      return;
    }
    partition.busy++;
    const topic = deadLetterTopic(record.topic);
    const reader = { groupId: this.#host.groupId, memberId: this.#host.memberId() };
    const make = (count: number) => deadLetter(failure, topic, record.partition % count, reader);
    void this.#topics
      .send(topic, make, () => !partition.gone)
      .then(() => {
        partition.busy--;
        lane.trouble?.failed(failure.attempts.lastError as Error, false);
        lane.trouble = null;
        if (!partition.gone) this.#done(lane, 1);
        this.#calls.pump();
      });
  }

  #idle({ busy, leaving }: PartitionLanes): void {
    if (leaving && busy === 0) for (const check of this.#whenIdle) check();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#end();
  }

  #end(): void {
    this.#ending = true;
    for (const each of this.#partitions.values()) this.#leave(each);
    this.#host.wakeup();
  }
}
