// Reads the group's partitions and lets the application's handlers process their records.
//
// 1. The group's offset of a partition never passes a record that is not done. A record is done
//    when its handler has succeeded, or when another topic has it: a dead letter, a retry.
// 2. Nothing of a partition starts before the group's offset says that a run is at work there
//    (`open`), so that the run after a crash knows that it must be careful (attempts.ts).
// 3. A partition that is revoked is drained, for a bounded time, then committed. Nothing is
//    committed for a partition that was lost. Results that come later are ignored in both cases.
import { randomUUID } from "node:crypto";
import type { GroupOffset } from "../admin/group-offsets.ts";
import type { Client } from "../connection/client.ts";
import { partitionKey, type TopicPartition } from "../connection/offsets.ts";
import { ClientError } from "../errors.ts";
import type { ConsumedRecord } from "../record.ts";
import { decodeAttempts } from "./attempts.ts";
import { CommitRounds, offsetOf } from "./commit-rounds.ts";
import { FailedRecords } from "./failed-records.ts";
import { HandlerCalls } from "./handler-calls.ts";
import { laneHash } from "./lane-hash.ts";
import { type Lane, PartitionLanes } from "./partition-lanes.ts";
import type { RunSettings } from "./run-options.ts";

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
  /** Adds a topic to those that are read. */
  readonly alsoRead: (topic: string) => void;
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
  readonly #id = randomUUID().slice(0, 8);
  readonly #host: RunHost;
  readonly #settings: RunSettings;
  readonly #calls: HandlerCalls;
  readonly #commits: CommitRounds;
  readonly #failures: FailedRecords;
  readonly #partitions = new Map<string, PartitionLanes>();
  #timer: NodeJS.Timeout | undefined;
  #ending = false;
  #failure: Error | null = null;
  readonly #whenIdle = new Set<() => void>();

  constructor(host: RunHost, settings: RunSettings) {
    this.#host = host;
    this.#settings = settings;
    this.#failures = new FailedRecords(host, settings, {
      retry: (lane) => {
        this.#calls.ready(lane);
        this.#calls.pump();
      },
      save: (partition) => this.#commits.want(partition),
      idle: (partition) => this.#idle(partition),
      done: (lane) => {
        if (!lane.partition.gone) this.#done(lane, 1);
        this.#calls.pump();
      },
      fail: (error) => this.#fail(error),
    });
    this.#calls = new HandlerCalls(settings, {
      mark: (partition, start) => this.#commits.want(partition, start),
      shown: (record) => this.#failures.shown(record),
      attemptsBefore: (record) => this.#failures.attemptsBefore(record),
      succeeded: (lane, count) => this.#succeeded(lane, count),
      failed: (lane, count, error, counted) => this.#failed(lane, count, error, counted),
      exhausted: (lane) => this.#failures.exhausted(lane),
    });
    this.#commits = new CommitRounds(
      this.#id,
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
      await this.#failures.prepare();
      while (!this.#ending) this.#take(await this.#host.fetch());
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      signal?.removeEventListener("abort", stop);
      await this.#host.close().catch((error: Error) => this.#fail(error));
      clearInterval(this.#timer);
      this.#calls.close();
      await this.#failures.close();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  assigned(starts: readonly Start[]): void {
    const { maxUncommittedRecords } = this.#settings;
    for (const { topic, partition, offset, metadata } of starts) {
      const { openBy, attempts } = decodeAttempts(offset, metadata);
      const at = { topic, partition };
      const lanes = new PartitionLanes(
        at,
        offset,
        maxUncommittedRecords,
        openBy !== null && openBy !== this.#id,
        laneHash(this.#settings),
      );
      for (const [failed, known] of attempts) {
        // Lost and got back: this process has outlived what it marked.
        if (openBy === this.#id) known.suspect = false;
        if (known.suspect || known.count > 0) lanes.attempts.set(failed, known);
      }
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
    const offsets = leaving.map((each) => offsetOf(each, null));
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
      for (const lane of each.retrying) this.#failures.endRetries(lane, false);
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
    this.#failures.endRetries(lane, true);
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
    if (count > 1) {
      lane.singles = count;
      this.#calls.ready(lane);
    } else this.#failures.failed(lane, error, counted);
    this.#idle(lane.partition);
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
