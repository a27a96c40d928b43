// Invariants of the group consumer:
// 1. The assignment changes, and the callbacks run, only inside poll (or between two records of an
//    iteration): the application has processed its records then.
// 2. With automatic commits, the offsets of a partition are committed before it is revoked. A lost
//    partition is dropped without a commit: another member may read it already.
// 3. No record of a partition is handed out after the partition was revoked or lost.
// 4. `run` (see runner/run.ts) takes the place of polls and of automatic commits.

import type { GroupOffset } from "../admin/group-offsets.ts";
import { check, optional } from "../checks/checks.ts";
import { groupOffsetList, nonEmptyStrings, pollWait } from "../checks/values.ts";
import type { Client } from "../connection/client.ts";
import { CoordinatorLink } from "../connection/coordinator-link.ts";
import { type OffsetSpec, partitionKey, type TopicPartition } from "../connection/offsets.ts";
import { requireClient } from "../connection/require-client.ts";
import { backoffMs, Deadline, sleep } from "../connection/retry.ts";
import type { Operation } from "../connection/trouble.ts";
import { Consumer } from "../consumer/consumer.ts";
import { ClientError, isRetriable, isTransient } from "../errors.ts";
import {
  AUTO_COMMIT_INTERVAL_MS,
  FETCH_MAX_WAIT_MS,
  MAX_TIMER_MS,
  RUN_PAUSED_WAIT_MS,
} from "../limits.ts";
import type { ConsumedRecord } from "../record.ts";
import { Run, type RunHost } from "../runner/run.ts";
import { type RunOptions, runSettings } from "../runner/run-options.ts";
import {
  checkGroupConsumerOptions,
  fetchOptionsOf,
  type GroupConsumerOptions,
} from "./group-consumer-options.ts";
import { type Committer, NO_MEMBER } from "./group-offsets.ts";
import type { Membership } from "./membership.ts";
import { openMembership } from "./open-membership.ts";
import { Ownership } from "./ownership.ts";
import { Progress } from "./progress.ts";

/** Reads topics as a member of a group, by the classic or by the consumer protocol. */
export class GroupConsumer {
  readonly groupId: string;
  readonly #client: Client;
  readonly #options: GroupConsumerOptions;
  readonly #link: CoordinatorLink;
  readonly #reading: Operation;
  readonly #membership: Membership;
  readonly #ownership: Ownership;
  readonly #consumer: Consumer;
  readonly #progress = new Progress();
  #currentPoll: Promise<unknown> | null = null;
  #closing: Promise<void> | null = null;
  #wake: () => void = () => {};
  /** Whether the application is processing the record of an iteration. */
  #iterating = false;
  /** Partitions that the application has moved with `seek` since the last fetch. */
  readonly #sought = new Set<string>();
  #interrupted = false;
  #topics: readonly string[] = [];
  /** Topics that a run reads beside those. */
  #alsoRead: readonly string[] = [];

  constructor(client: Client, options: GroupConsumerOptions) {
    requireClient("new GroupConsumer", client);
    checkGroupConsumerOptions(options);
    this.groupId = options.groupId;
    this.#client = client;
    this.#options = options;
    this.#link = new CoordinatorLink(client, "group", options.groupId);
    this.#membership = openMembership(client, this.#link, options, () => {
      this.#consumer.wakeup();
      this.#wake();
    });
    this.#reading = this.#link.operation(`reading in group ${options.groupId}`);
    const onOutOfRange = options.autoOffsetReset ?? "latest";
    // No retries there: this class retries, and attends to the group between two tries.
    this.#consumer = new Consumer(client, {
      ...fetchOptionsOf(options),
      onOutOfRange,
      patienceMs: 0,
    });
    this.#ownership = new Ownership({
      client,
      link: this.#link,
      membership: this.#membership,
      consumer: this.#consumer,
      progress: this.#progress,
      options,
    });
  }

  /** Replaces the topics to read; the next poll joins the group. Rejects if no broker answers. */
  async subscribe(topics: readonly string[]): Promise<void> {
    check("topics", topics, nonEmptyStrings);
    await this.#client.cluster();
    this.#topics = topics;
    this.#membership.subscribe([...new Set([...topics, ...this.#alsoRead])]);
  }

  /**
   * The member id and the generation, or with the consumer protocol the member epoch; "" and -1
   * while this is no member of the group.
   */
  get member(): Committer {
    return this.#membership.committer ?? NO_MEMBER;
  }

  get assignment(): TopicPartition[] {
    return this.#consumer.assignment;
  }

  /**
   * The next records; none if none arrive within `maxWaitMs`. The records of the previous poll
   * count as processed then. Rejects with an error that a retry can't solve (fenced, ...) or that
   * was retried for the client's `timeoutMs`. After DamagedRangeError, `seek` to its `nextOffset`.
   */
  async poll(maxWaitMs = this.#options.maxWaitMs ?? FETCH_MAX_WAIT_MS): Promise<ConsumedRecord[]> {
    check("maxWaitMs", maxWaitMs, pollWait);
    this.#assertNoRun("poll");
    this.#progress.settle();
    const records = await this.#fetch(maxWaitMs);
    this.#iterating = false;
    for (const { topic, partition } of records)
      this.#progress.handOut({ topic, partition }, this.#consumer.position(topic, partition));
    return records;
  }

  /**
   * Record after record, until closed. Asking for the next marks one as processed: leave the loop
   * and its record is read again, unless `commit` is called.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord, void, undefined> {
    this.#assertNoRun("poll");
    while (!this.closed) {
      this.#progress.settle();
      const records = await this.#fetch(this.#options.maxWaitMs ?? FETCH_MAX_WAIT_MS);
      this.#iterating = true;
      const ends = new Map(records.map((record, index) => [partitionKey(record), index]));
      let next = 0;
      try {
        while (next < records.length && !this.#mustRefetch) {
          const record = records[next]!;
          const { topic, partition, offset } = record;
          const isLast = ends.get(partitionKey(record)) === next++;
          const after = isLast ? this.#consumer.position(topic, partition) : offset + 1;
          this.#progress.handOut(record, after);
          yield record;
          this.#progress.settle();
          this.#membership.polled();
        }
      } finally {
        // The next fetch reads those again that were not handed out.
        for (const { topic, partition, offset } of firstOfEach(records.slice(next)))
          if (
            !this.#sought.has(partitionKey({ topic, partition })) &&
            this.#progress.has({ topic, partition })
          )
            await this.#consumer.seek(topic, partition, offset);
      }
    }
  }

  /**
   * Commits all records handed out so far, the current one of an iteration too, or `offsets`: the
   * offsets of the next records to read. Rejects with KafkaResponseError if the group has
   * rebalanced without this member; the partition's next owner then reads the records again.
   */
  async commit(offsets?: readonly GroupOffset[]): Promise<void> {
    check("offsets", offsets, optional(groupOffsetList));
    this.#assertNoRun("commit");
    if (offsets === undefined) this.#progress.settle();
    for (const { topic, partition } of offsets ?? [])
      if (!this.#progress.has({ topic, partition }))
        throw new ClientError("TARPAN_NOT_ASSIGNED", `${topic}-${partition} is not assigned`);
    await this.#ownership.commit(offsets ?? this.#progress.uncommitted(), this.#client.timeoutMs);
  }

  /**
   * Polls, handles records with `eachRecord` or `eachBatch`, and commits those that are done, until
   * `signal` is aborted or `close` is called; the consumer is closed then. Rejects with what poll
   * rejects with, and with TARPAN_HANDLER_FAILED if a record has failed for good and there are no
   * dead letters. Subscribe first; `poll`, `commit`, `seek`, `pause` and `resume` are refused
   * meanwhile. A handler must not await `close`: it waits for the handler.
   */
  async run(options: RunOptions): Promise<void> {
    const settings = runSettings(options, this.#options);
    this.#assertNoRun("run");
    if (this.#topics.length === 0)
      throw new ClientError("TARPAN_NOT_SUBSCRIBED", "run reads nothing: call subscribe first");
    if (this.assignment.length > 0 || this.#currentPoll !== null)
      throw new ClientError("TARPAN_RUNNING", "this consumer polls already: call run instead");
    const run = new Run(this.#runHost(), settings);
    this.#ownership.run = run;
    this.#consumer.pausedWaitMs = RUN_PAUSED_WAIT_MS;
    await run.work();
  }

  /** The offset of the next record to fetch. */
  position(topic: string, partition: number): number {
    return this.#consumer.position(topic, partition);
  }

  /** Whether partitions are assigned, and all are read up to the end last told. */
  get atEnd(): boolean {
    return this.#consumer.atEnd && this.assignment.length > 0;
  }

  /** Moves the position; the next commit commits it. Rejects with TARPAN_NOT_ASSIGNED. */
  async seek(topic: string, partition: number, spec: OffsetSpec): Promise<void> {
    this.#assertNoRun("seek");
    await this.#consumer.seek(topic, partition, spec);
    this.#sought.add(partitionKey({ topic, partition }));
    this.#progress.seek({ topic, partition }, this.#consumer.position(topic, partition));
  }

  /** Returns no records of these partitions until they are resumed, revoked or lost. */
  pause(partitions: readonly TopicPartition[]): void {
    this.#assertNoRun("pause");
    this.#consumer.pause(partitions);
    this.#interrupted = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#assertNoRun("resume");
    this.#consumer.resume(partitions);
  }

  get paused(): TopicPartition[] {
    return this.#consumer.paused;
  }

  get closed(): boolean {
    return this.#closing !== null;
  }

  /**
   * Commits if commits are automatic, revokes the partitions and leaves the group. A static member
   * leaves only with `leave`; else its partitions wait for it until its session times out. A
   * callback must not await it: it waits for the poll that runs the callback.
   */
  close({ leave = this.#options.groupInstanceId === undefined } = {}): Promise<void> {
    this.#closing ??= this.#close(leave);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(leave: boolean): Promise<void> {
    this.#consumer.wakeup();
    this.#wake();
    await this.#currentPoll?.catch(() => {});
    // With heartbeats: it may take as long as handlers do.
    await this.#ownership.run?.finish();
    this.#membership.stop();
    this.#ownership.closing = true;
    try {
      if (!this.#iterating) this.#progress.settle();
      await this.#ownership.releaseAll();
    } finally {
      await this.#membership.end(leave);
      this.#link.close();
      this.#consumer.close();
    }
  }

  async #fetch(maxWaitMs: number): Promise<ConsumedRecord[]> {
    if (this.#currentPoll !== null)
      throw new ClientError("TARPAN_CONCURRENT_POLL", "another poll of this consumer is running");
    this.#membership.polling();
    const fetching = this.#fetchWithin(maxWaitMs);
    this.#currentPoll = fetching;
    try {
      return await fetching;
    } finally {
      this.#currentPoll = null;
      this.#membership.polled();
    }
  }

  async #fetchWithin(maxWaitMs: number): Promise<ConsumedRecord[]> {
    const wait = new Deadline(maxWaitMs);
    const patience = new Deadline(this.#client.timeoutMs);
    for (let failures = 0; !this.closed; ) {
      try {
        await this.#ownership.attend();
        if (this.#membership.wantsAttention) continue;
        this.#sought.clear();
        this.#interrupted = false;
        const idle = this.assignment.length === 0;
        const records = await (idle ? this.#idle(wait) : this.#consumer.poll(wait.remainingMs));
        const joining = this.#membership.trouble;
        if (joining === null) this.#reading.worked();
        else this.#reading.failed(joining.error, true);
        // Other members may read these partitions already.
        if (this.#membership.lost) continue;
        if (records.length > 0 || wait.remainingMs === 0 || this.#ownership.run?.ending)
          return records;
      } catch (error) {
        const waitMs = backoffMs(failures++);
        const again = isTransient(error) && waitMs <= patience.remainingMs;
        this.#reading.failed(error as Error, again);
        if (!again) throw error;
        for (const { topic } of this.assignment) this.#client.forget(topic);
        await sleep(waitMs);
      }
    }
    return [];
  }

  /** Waits for an assignment while there is none. */
  #idle(wait: Deadline): Promise<ConsumedRecord[]> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve([]), Math.min(wait.remainingMs, MAX_TIMER_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve([]);
      };
    });
  }

  /** Whether an iteration must stop handing out its fetched records. */
  get #mustRefetch(): boolean {
    const { wantsAttention } = this.#membership;
    return wantsAttention || this.closed || this.#interrupted || this.#sought.size > 0;
  }

  #assertNoRun(what: string): void {
    if (this.#ownership.run === null) return;
    throw new ClientError(
      "TARPAN_RUNNING",
      `${what} is not possible: run does it for this consumer`,
    );
  }

  #runHost(): RunHost {
    return {
      client: this.#client,
      groupId: this.groupId,
      commitIntervalMs: this.#options.autoCommitIntervalMs ?? AUTO_COMMIT_INTERVAL_MS,
      memberId: () => this.member.memberId,
      fetch: () => this.#fetch(this.#options.maxWaitMs ?? FETCH_MAX_WAIT_MS),
      commit: (offsets) => this.#tryCommit(offsets),
      position: (topic, partition) => this.#consumer.position(topic, partition),
      pause: (partitions) => this.#consumer.pause(partitions),
      resume: (partitions) => this.#consumer.resume(partitions),
      alsoRead: (topic) => {
        this.#alsoRead = [topic];
        this.#membership.subscribe([...new Set([...this.#topics, topic])]);
      },
      wakeup: () => {
        this.#consumer.wakeup();
        this.#wake();
      },
      close: () => this.close(),
    };
  }

  /** Whether it was committed; false if a later try may succeed. */
  async #tryCommit(offsets: readonly GroupOffset[]): Promise<boolean> {
    try {
      await this.#ownership.commit(offsets, this.#client.timeoutMs);
      return true;
    } catch (error) {
      if (isRetriable(error) || this.#membership.wantsAttention) return false;
      throw error;
    }
  }
}

/** The first record of each partition. */
function firstOfEach(records: readonly ConsumedRecord[]): Iterable<ConsumedRecord> {
  const first = new Map<string, ConsumedRecord>();
  for (const record of records)
    if (!first.has(partitionKey(record))) first.set(partitionKey(record), record);
  return first.values();
}
