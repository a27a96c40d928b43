// Reads assigned partitions, each from its own position. For groups see group/group-consumer.ts.
//
// 1. At most one Fetch per broker is in flight; it may outlive the poll that sent it.
// 2. A position moves only when its records are handed out. A response for a position that was
//    moved, removed or paused in the meantime is dropped.
import { ErrorCode } from "@tarpan/protocol";
import { type Checks, check, checkOptions, oneOf } from "../checks/checks.ts";
import { assignmentList, offsetSpec, partitionList, pollWait, waitMs } from "../checks/values.ts";
import type { Client } from "../connection/client.ts";
import type { Connection } from "../connection/connection.ts";
import type { ConnectionPool } from "../connection/connection-pool.ts";
import {
  type IsolationLevel,
  type OffsetSpec,
  partitionKey,
  resolveOffset,
  type TopicPartition,
} from "../connection/offsets.ts";
import { requireClient } from "../connection/require-client.ts";
import { backoffMs, Deadline, sleep } from "../connection/retry.ts";
import type { Operation } from "../connection/trouble.ts";
import {
  assertOk,
  ClientError,
  DamagedRangeError,
  isRetriable,
  KafkaResponseError,
} from "../errors.ts";
import { FETCH_BYTES, FETCH_MAX_WAIT_MS, MAX_TIMER_MS, PARTITION_FETCH_BYTES } from "../limits.ts";
import type { ConsumedRecord } from "../record.ts";
import {
  FETCH_OPTIONS,
  type FetchLimits,
  type FetchOptions,
  type FetchTarget,
  fetchFrom,
  type PartitionAnswer,
  takeRecords,
} from "./fetch.ts";
import { Position } from "./position.ts";

export interface ConsumerOptions extends FetchOptions {
  /**
   * Where to go on if a position is not in the log (OFFSET_OUT_OF_RANGE). Default: `fail`, with
   * which poll rejects with TARPAN_OFFSET_OUT_OF_RANGE.
   */
  readonly onOutOfRange?: "fail" | "earliest" | "latest";
  /** How long a poll retries after errors, ms. Default: the client's `timeoutMs`. */
  readonly patienceMs?: number;
}

const OPTIONS: Checks<ConsumerOptions> = {
  ...FETCH_OPTIONS,
  onOutOfRange: oneOf("fail", "earliest", "latest"),
  patienceMs: waitMs,
};

export interface Assignment extends TopicPartition {
  readonly offset: OffsetSpec;
}

type Answers = Map<FetchTarget, PartitionAnswer>;

/** Reads the partitions that the application assigns to it, without a group. */
export class Consumer {
  readonly #client: Client;
  readonly #limits: FetchLimits;
  readonly #isolation: IsolationLevel;
  readonly #onOutOfRange: "fail" | "earliest" | "latest";
  readonly #patienceMs: number;
  readonly #operation: Operation;
  readonly #connections: ConnectionPool;
  #positions: Position[] = [];
  readonly #fetching = new Map<Connection, Promise<Answers>>();
  #closed = false;
  #interrupted = false;
  /**
   * Longest wait of a Fetch while partitions are paused, ms: one that is resumed has to wait for
   * the Fetch in flight.
   */
  pausedWaitMs = MAX_TIMER_MS;
  #wake: () => void = () => {};

  constructor(client: Client, options: ConsumerOptions = {}) {
    requireClient("new Consumer", client);
    checkOptions("new Consumer", options, OPTIONS);
    this.#client = client;
    this.#connections = client.separatePool();
    this.#limits = {
      maxWaitMs: options.maxWaitMs ?? FETCH_MAX_WAIT_MS,
      minBytes: options.minBytes ?? 1,
      maxBytes: options.maxBytes ?? FETCH_BYTES,
      partitionBytes: options.partitionBytes ?? PARTITION_FETCH_BYTES,
    };
    this.#isolation = options.isolationLevel ?? "read_uncommitted";
    this.#onOutOfRange = options.onOutOfRange ?? "fail";
    this.#patienceMs = options.patienceMs ?? client.timeoutMs;
    this.#operation = client.troubles.operation("reading");
  }

  /** Replaces the assigned partitions. Resolves once every position is known. */
  async assign(assignments: readonly Assignment[]): Promise<void> {
    check("assignments", assignments, assignmentList);
    this.#positions = await Promise.all(assignments.map((each) => this.#resolved(each)));
    this.#wake();
  }

  /** Adds to the assigned partitions: all of them, or none if the promise rejects. */
  async add(assignments: readonly Assignment[]): Promise<void> {
    check("assignments", assignments, assignmentList);
    const added = await Promise.all(assignments.map((each) => this.#resolved(each)));
    this.#positions = [...this.#positions, ...added];
    this.#wake();
  }

  /** Removes assigned partitions; others are ignored. */
  remove(partitions: readonly TopicPartition[]): void {
    check("partitions", partitions, partitionList);
    const gone = new Set(partitions.map(partitionKey));
    this.#positions = this.#positions.filter((position) => !gone.has(partitionKey(position)));
  }

  get assignment(): TopicPartition[] {
    return this.#positions.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** Moves the position. Rejects with TARPAN_NOT_ASSIGNED if the partition is not assigned. */
  async seek(topic: string, partition: number, spec: OffsetSpec): Promise<void> {
    check("offset", spec, offsetSpec);
    const before = this.#positionOf(topic, partition);
    const offset = await this.#resolve(before, spec);
    // A new object, so that a response in flight for the old one is dropped.
    const position = new Position(topic, partition, offset);
    position.paused = before.paused;
    this.#positions = this.#positions.map((each) => (each === before ? position : each));
    this.#wake();
  }

  /** Returns no records of these partitions until they are resumed. */
  pause(partitions: readonly TopicPartition[]): void {
    check("partitions", partitions, partitionList);
    for (const { topic, partition } of partitions) this.#positionOf(topic, partition).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    check("partitions", partitions, partitionList);
    for (const { topic, partition } of partitions)
      this.#positionOf(topic, partition).paused = false;
    this.#wake();
  }

  get paused(): TopicPartition[] {
    const paused = this.#positions.filter((position) => position.paused);
    return paused.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** The offset of the next record to be returned. */
  position(topic: string, partition: number): number {
    return this.#positionOf(topic, partition).offset;
  }

  /** Whether every position has reached the end that the last response told. */
  get atEnd(): boolean {
    return this.#positions.every((position) => position.atEnd);
  }

  /**
   * The next records; none if none arrive within `maxWaitMs`. Retriable errors are retried for
   * `patienceMs`, then it rejects with the last. Where records are damaged it rejects with
   * DamagedRangeError, each time until the partition is moved by `seek`, paused or removed.
   */
  async poll(maxWaitMs = this.#limits.maxWaitMs): Promise<ConsumedRecord[]> {
    check("maxWaitMs", maxWaitMs, pollWait);
    const wait = new Deadline(maxWaitMs);
    const patience = new Deadline(this.#patienceMs);
    this.#interrupted = false;
    for (let failures = 0; !this.#closed; ) {
      try {
        const records = await this.#round(wait);
        if (records.length > 0 || wait.remainingMs === 0 || this.#interrupted) return records;
      } catch (error) {
        if (this.#closed) break;
        const waitMs = backoffMs(failures++);
        const again = isRetriable(error) && waitMs <= patience.remainingMs;
        this.#operation.failed(error as Error, again);
        if (!again) throw error;
        for (const { topic } of this.#positions) this.#client.forget(topic);
        await sleep(waitMs);
      }
    }
    return [];
  }

  /** Record after record, until the consumer is closed. Throws what `poll` rejects with. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord, void, undefined> {
    while (!this.#closed) yield* await this.poll();
  }

  /** Makes a waiting poll return without records. */
  wakeup(): void {
    this.#interrupted = true;
    this.#wake();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Ends a waiting poll, and iteration, and closes its connections. The client stays open. */
  close(): void {
    this.#closed = true;
    this.#operation.abandoned();
    this.#wake();
    void this.#connections.close();
  }

  /** Sends a Fetch to each leader that has none in flight, then waits for the first response. */
  async #round(wait: Deadline): Promise<ConsumedRecord[]> {
    await this.#startFetches();
    if (this.#interrupted) return [];
    let timer: NodeJS.Timeout | undefined;
    const nothing = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), Math.min(wait.remainingMs, MAX_TIMER_MS));
      this.#wake = () => resolve(null);
    });
    // The other fetches stay in #fetching for the next round.
    const fetches = [...this.#fetching].map(([leader, fetch]) =>
      fetch.then(
        (answers) => ({ leader, answers }),
        (error: Error) => ({ leader, error }),
      ),
    );
    const first = await Promise.race([nothing, ...fetches]);
    clearTimeout(timer);
    if (first === null) return [];
    this.#fetching.delete(first.leader);
    if ("error" in first) throw first.error;
    const records = await this.#take(first.answers);
    this.#operation.worked();
    return records;
  }

  async #startFetches(): Promise<void> {
    const byLeader = new Map<Connection, FetchTarget[]>();
    for (const position of this.#positions) {
      if (position.paused) continue;
      const topic = await this.#client.topic(position.topic);
      const leader = await this.#client.leaderOf(topic, position.partition, this.#connections);
      if (this.#fetching.has(leader)) continue;
      const wanted = { position, topic, offset: position.offset };
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), wanted]);
    }
    for (const [leader, wanted] of byLeader) {
      const fetch = this.#fetch(leader, wanted);
      // The next poll sees its failure; until then it must not be an unhandled rejection.
      fetch.catch(() => {});
      this.#fetching.set(leader, fetch);
    }
  }

  async #fetch(leader: Connection, wanted: readonly FetchTarget[]): Promise<Answers> {
    const { timeoutMs } = this.#client;
    const isolation = this.#isolation;
    const paused = this.#positions.some((position) => position.paused);
    const maxWaitMs = Math.min(this.#limits.maxWaitMs, paused ? this.pausedWaitMs : MAX_TIMER_MS);
    const limits = { ...this.#limits, maxWaitMs };
    const { errorCode, answers } = await fetchFrom(leader, wanted, limits, isolation, timeoutMs);
    assertOk(errorCode, `fetching from ${leader.address}`);
    return answers;
  }

  async #take(answers: Answers): Promise<ConsumedRecord[]> {
    const taken: ConsumedRecord[] = [];
    let failure: unknown;
    for (const [{ position, offset }, answer] of answers) {
      if (position.offset !== offset || position.paused) continue;
      if (!this.#positions.includes(position)) continue;
      try {
        for (const record of await this.#takeFrom(position, answer)) taken.push(record);
      } catch (error) {
        failure ??= error;
      }
    }
    // Positions have moved past the taken records, so those must be returned. The failure will
    // happen again.
    if (failure !== undefined && taken.length === 0) throw failure;
    return taken;
  }

  async #takeFrom(position: Position, answer: PartitionAnswer): Promise<ConsumedRecord[]> {
    switch (answer.errorCode) {
      case ErrorCode.NONE:
        position.end = this.#endOf(answer);
        if (answer.records === null) return [];
        return takeRecords(position, answer.records, answer.abortedTransactions);
      case ErrorCode.OFFSET_OUT_OF_RANGE:
        await this.#resetPosition(position);
        return [];
      case ErrorCode.CORRUPT_MESSAGE: {
        const { resumeOffset } = answer;
        throw new DamagedRangeError(
          position,
          position.offset,
          resumeOffset < 0 ? null : resumeOffset,
        );
      }
      default: {
        const about = `${position.topic}-${position.partition}`;
        throw new KafkaResponseError(answer.errorCode, about);
      }
    }
  }

  #endOf({ highWatermark, lastStableOffset }: PartitionAnswer): number {
    return this.#isolation === "read_committed" ? lastStableOffset : highWatermark;
  }

  async #resetPosition(position: Position): Promise<void> {
    const { topic, partition, offset } = position;
    if (this.#onOutOfRange === "fail") {
      const start = await this.#resolve(position, "earliest");
      const end = await this.#resolve(position, "latest");
      throw new ClientError(
        "TARPAN_OFFSET_OUT_OF_RANGE",
        `${topic}-${partition} has no offset ${offset}: its log starts at ${start} and ends at ${end}`,
      );
    }
    position.offset = await this.#resolve(position, this.#onOutOfRange);
  }

  async #resolved(assignment: Assignment): Promise<Position> {
    const { topic, partition, offset } = assignment;
    return new Position(topic, partition, await this.#resolve(assignment, offset));
  }

  #resolve(at: TopicPartition, spec: OffsetSpec): Promise<number> {
    return resolveOffset(this.#client, at, spec, this.#isolation);
  }

  #positionOf(topic: string, partition: number): Position {
    const found = this.#positions.find((p) => p.topic === topic && p.partition === partition);
    if (found !== undefined) return found;
    throw new ClientError("TARPAN_NOT_ASSIGNED", `${topic}-${partition} is not assigned`);
  }
}
