// Sends records that become visible when a local transaction, such as one in a database, commits:
// RocketMQ's transactional messages.
//
// 1. The local transaction runs only after the broker has stored the half messages. So each one
//    that commits has them, and the broker asks what has become of it.
// 2. A transaction's half messages are one record batch in one partition, and so are their
//    resolutions: one append is atomic, so all of them are delivered, or none.
// 3. A resolution that gets lost costs time, not correctness: the broker asks again, and the first
//    resolution counts.
import { randomUUID } from "node:crypto";
import { check, checkOptions, list } from "../checks/checks.ts";
import type { Client } from "../connection/client.ts";
import { requireClient } from "../connection/require-client.ts";
import { ClientError } from "../errors.ts";
import { CHECK_CONCURRENCY, LISTENER_TIMEOUT_MS } from "../limits.ts";
import { keyPartition } from "../producer/partitioner.ts";
import { Producer } from "../producer/producer.ts";
import type { ConsumedRecord, ProducerRecord } from "../record.ts";
import {
  CHECK_BACK_OPTIONS,
  type CheckBackProducerOptions,
  REQUIRED_OPTIONS,
} from "./check-back-options.ts";
import { CheckReader } from "./check-reader.ts";
import {
  checkHalf,
  checkMessageId,
  type HalfMessages,
  halfMessages,
  messageIds,
  readCheck,
  requireHalfMessages,
  resolutions,
} from "./half-message.ts";
import { type Listener, ListenerCalls } from "./listener-calls.ts";
import { halfRecordOf, type LocalOutcome } from "./transaction.ts";

export interface CheckBackSend {
  /** Names the transaction, for both listeners; up to 1,024 bytes. Default: a random UUID. */
  readonly id?: string | undefined;
}

export interface CheckBackResult {
  readonly id: string;
  readonly outcome: LocalOutcome;
  /** Whether the broker has the outcome. If not, it asks a member of the producer group. */
  readonly resolved: boolean;
}

/**
 * Sends records that the broker keeps back until their local transaction commits, and then delivers
 * exactly once. If this process dies meanwhile, the broker asks another member of its producer
 * group. Needs a Tarpan broker. Kafka's own transactions are TransactionalProducer's.
 */
export class CheckBackProducer {
  readonly producerGroup: string;
  readonly #client: Client;
  readonly #execute: Listener;
  readonly #check: Listener;
  readonly #producer: Producer;
  readonly #listeners: ListenerCalls;
  readonly #checks: CheckReader;
  readonly #sending = new Set<Promise<unknown>>();
  /** Ids of transactions whose half messages are being sent, or whose listener runs. */
  readonly #ids = new Set<string>();
  #closed = false;

  constructor(client: Client, options: CheckBackProducerOptions) {
    requireClient("new CheckBackProducer", client);
    checkOptions("new CheckBackProducer", options, CHECK_BACK_OPTIONS, REQUIRED_OPTIONS);
    const { producerGroup, executeLocalTransaction, checkLocalTransaction } = options;
    const { listenerTimeoutMs, checkConcurrency, ...rest } = options;
    const {
      producerGroup: _,
      executeLocalTransaction: __,
      checkLocalTransaction: ___,
      ...ofRecords
    } = rest;
    this.producerGroup = producerGroup;
    this.#client = client;
    this.#execute = executeLocalTransaction;
    this.#check = checkLocalTransaction;
    this.#producer = new Producer(client, ofRecords);
    this.#listeners = new ListenerCalls(listenerTimeoutMs ?? LISTENER_TIMEOUT_MS, (what, error) =>
      client.troubles.report(what, error),
    );
    const concurrency = checkConcurrency ?? CHECK_CONCURRENCY;
    this.#checks = new CheckReader(client, producerGroup, concurrency, (record) =>
      this.#answer(record),
    );
  }

  /**
   * Begins to answer checks, as the first `send` does too: for a process that only answers them.
   * Rejects with TARPAN_NO_HALF_MESSAGES if the cluster has none.
   */
  async start(): Promise<void> {
    this.#assertOpen();
    await requireHalfMessages(this.#client);
    this.#checks.start();
  }

  /**
   * Sends the record as a half message, runs the local transaction, and tells the broker its
   * outcome: commit delivers the record, rollback drops it. Rejects, before the local transaction
   * runs, with what `Producer.send` rejects with, with TARPAN_BAD_RECORD (a null value, an internal
   * topic), TARPAN_BAD_ARGUMENT (an id whose transaction runs here), TARPAN_NO_HALF_MESSAGES. After
   * TARPAN_TIMEOUT the broker may have the half message, and ask about a transaction that has never
   * run.
   */
  send(
    record: ProducerRecord,
    { id = randomUUID() }: CheckBackSend = {},
  ): Promise<CheckBackResult> {
    return this.#tracked(this.#transact(id, [record], null));
  }

  /**
   * Sends records of one local transaction: all of them are delivered, or none. They must fit one
   * record batch (the broker's max.message.bytes). Rejects as `send` does.
   */
  sendBatch(
    records: readonly ProducerRecord[],
    { id = randomUUID() }: CheckBackSend = {},
  ): Promise<CheckBackResult> {
    return this.#tracked(this.#transact(id, records, id));
  }

  /**
   * Takes no more records, lets running listeners end, for `listenerTimeoutMs` at most, and answers
   * no more checks. The client stays open.
   */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#sending);
    await this.#checks.close();
    await this.#producer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #transact(
    id: string,
    records: readonly ProducerRecord[],
    batchId: string | null,
  ): Promise<CheckBackResult> {
    this.#assertOpen();
    check("records", records, list);
    if (records.length === 0) throw new ClientError("TARPAN_BAD_ARGUMENT", "there are no records");
    for (const record of records) checkHalf(record);
    const ids = messageIds(id, batchId === null ? null : records.length);
    for (const each of [id, ...ids]) checkMessageId(each);
    if (this.#ids.has(id))
      throw new ClientError("TARPAN_BAD_ARGUMENT", `transaction ${id} is running here already`);
    this.#ids.add(id);
    try {
      const { partitions } = await requireHalfMessages(this.#client);
      this.#checks.start();
      const partition = keyPartition(Buffer.from(id), partitions.length);
      const half = { group: this.producerGroup, ids, partition };
      const nowMs = Date.now();
      await this.#producer.sendTogether(halfMessages(records, half, batchId));
      const seen = records.map((record) => halfRecordOf(record, nowMs));
      const size = records.length;
      const transaction = { id, records: seen, size, check: 0, checksLeft: null };
      const { outcome } = await this.#listeners.ask(
        "executeLocalTransaction",
        this.#execute,
        transaction,
        (late) => void this.#tracked(this.#resolve(id, half, late)),
      );
      return { id, outcome, resolved: await this.#resolve(id, half, outcome) };
    } finally {
      this.#ids.delete(id);
    }
  }

  /** Answers a check of the broker. Never rejects. */
  async #answer(record: ConsumedRecord): Promise<void> {
    const read = readCheck(record);
    if (read === null) {
      const { topic, partition, offset } = record;
      const what = `reading ${topic}-${partition} at ${offset}`;
      this.#client.troubles.report(what, new ClientError("TARPAN_BAD_RECORD", "it is no check"));
      return;
    }
    const { transaction, half } = read;
    const { id } = transaction;
    const { outcome, shared } = await this.#listeners.ask(
      "checkLocalTransaction",
      this.#check,
      transaction,
      (late) => void this.#tracked(this.#resolve(id, half, late)),
    );
    if (!shared) await this.#resolve(id, half, outcome);
  }

  /** Whether the broker has the outcome. Never rejects: the broker asks again. */
  async #resolve(id: string, half: HalfMessages, outcome: LocalOutcome): Promise<boolean> {
    if (outcome === "unknown") return false;
    try {
      await this.#producer.sendTogether(resolutions(half, outcome));
      return true;
    } catch (error) {
      this.#client.troubles.report(`resolving transaction ${id}`, error as Error);
      return false;
    }
  }

  #tracked<T>(work: Promise<T>): Promise<T> {
    this.#sending.add(work);
    const done = () => void this.#sending.delete(work);
    work.then(done, done);
    return work;
  }

  #assertOpen(): void {
    if (this.#closed) throw new ClientError("TARPAN_CLOSED", "the producer is closed");
  }
}
