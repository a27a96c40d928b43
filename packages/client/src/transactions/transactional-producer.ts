import type { GroupOffset } from "../admin/group-offsets.ts";
import { type Checks, check, checkOptions, list, nonEmptyString, shape } from "../checks/checks.ts";
import { groupOffsetList, timeoutMs } from "../checks/values.ts";
import type { Client } from "../connection/client.ts";
import { requireClient } from "../connection/require-client.ts";
import { TRANSACTION_TIMEOUT_MS } from "../limits.ts";
import type { Settled } from "../producer/batch.ts";
import { Producer } from "../producer/producer.ts";
import { PRODUCER_OPTIONS, type ProducerOptions } from "../producer/producer-options.ts";
import type { ProducerRecord, RecordMetadata } from "../record.ts";
import { type OffsetsGroup, TransactionCoordinator } from "./coordinator.ts";
import { Transaction } from "./transaction.ts";

export interface TransactionalProducerOptions extends Omit<ProducerOptions, "acks" | "idempotent"> {
  /**
   * The same for every incarnation of one application instance, and of no other: a newer producer
   * fences those before it.
   */
  readonly transactionalId: string;
  /**
   * Time after which the broker aborts an open transaction and fences its producer, ms. At most the
   * broker's transaction.max.timeout.ms. Default: 60,000.
   */
  readonly transactionTimeoutMs?: number | undefined;
}

const { acks: _, idempotent: __, ...RECORD_OPTIONS } = PRODUCER_OPTIONS;

const OPTIONS: Checks<TransactionalProducerOptions> = {
  ...RECORD_OPTIONS,
  transactionalId: nonEmptyString,
  transactionTimeoutMs: timeoutMs,
};

const offsetsGroup = shape({ groupId: nonEmptyString });

/**
 * Sends records and commits a group's offsets in transactions: all become visible to readers of
 * committed records (`isolationLevel: "read_committed"`), or none (KIP-98, KIP-447, KIP-890).
 *
 * After a TransactionError only `abort` is allowed if it is `abortable`, else only `close`. Errors
 * that pass are retried inside, for the client's `timeoutMs`.
 */
export class TransactionalProducer {
  readonly transactionalId: string;
  readonly #coordinator: TransactionCoordinator;
  readonly #transaction: Transaction;
  readonly #producer: Producer;

  constructor(client: Client, options: TransactionalProducerOptions) {
    requireClient("new TransactionalProducer", client);
    checkOptions("new TransactionalProducer", options, OPTIONS, ["transactionalId"]);
    const { transactionalId, transactionTimeoutMs, ...producerOptions } = options;
    this.transactionalId = transactionalId;
    this.#coordinator = new TransactionCoordinator(client, transactionalId);
    const timeoutMs = transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS;
    this.#transaction = new Transaction(this.#coordinator, timeoutMs);
    this.#producer = new Producer(client, producerOptions, this.#transaction);
  }

  /**
   * Begins a transaction. The first call fences earlier producers of this transactional id, and
   * waits until what they left open is aborted. Rejects with TARPAN_TRANSACTION_STATE while a
   * transaction is open, with TransactionError if the producer can't go on, and with others, after
   * which it can be called again.
   */
  begin(): Promise<void> {
    return this.#transaction.begin();
  }

  /**
   * Resolves once the record is stored; it is visible after `commit`. Rejects with
   * TransactionError, and with TARPAN_TRANSACTION_STATE if no transaction is open. It need not be
   * awaited: `commit` waits for all records, and rejects if one has failed.
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    const sent = new Promise<RecordMetadata>((resolve, reject) =>
      this.sendEach([record], (_index, outcome) =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome),
      ),
    );
    // The failure is told by `commit` too: an ignored promise must not end the process.
    sent.catch(() => {});
    return sent;
  }

  /** Sends several records: resolves once all are stored, and rejects with the first failure. */
  sendBatch(records: readonly ProducerRecord[]): Promise<RecordMetadata[]> {
    const sent = Array.isArray(records)
      ? Promise.all(records.map((record) => this.send(record)))
      : Promise.resolve().then(() => check("records", records, list) as never);
    sent.catch(() => {});
    return sent;
  }

  /**
   * Sends several records and calls `settled` once for each, with its index. Accepts all of them,
   * or throws and accepts none; the transaction has failed then.
   */
  sendEach(records: readonly ProducerRecord[], settled: Settled): void {
    this.#transaction.assertOpen();
    try {
      this.#producer.sendEach(records, (index, outcome) => {
        const failed = outcome instanceof Error;
        settled(index, failed ? this.#transaction.failed(outcome, "leader") : outcome);
      });
    } catch (error) {
      throw this.#transaction.failed(error as Error, "leader");
    }
  }

  /** Resolves while at most half of `bufferMemoryBytes` is used, and no call waits for it. */
  ready(): Promise<void> {
    return this.#producer.ready();
  }

  /**
   * Commits a group's offsets with the transaction: each the offset of the next record to read.
   * Give the GroupConsumer that has read the records, with `autoCommit: false`: if the group has
   * rebalanced without it, this rejects. Or give a `groupId` alone for a group without members.
   * Rejects with TransactionError.
   */
  async sendOffsets(group: OffsetsGroup, offsets: readonly GroupOffset[]): Promise<void> {
    check("group", group, offsetsGroup);
    check("offsets", offsets, groupOffsetList);
    await this.#transaction.sendOffsets(group, offsets);
  }

  /**
   * Waits for all records and commits the transaction. Rejects with TransactionError if a record or
   * an offset has failed. After TARPAN_TIMEOUT the transaction may or may not be committed: call
   * `commit` again.
   */
  commit(): Promise<void> {
    return this.#transaction.commit(() => this.#producer.flush());
  }

  /**
   * Aborts the transaction. Records that were not sent yet reject with TARPAN_TRANSACTION_ABORTED.
   * Rejects with a TransactionError that is not `abortable` if the producer can't go on. After
   * TARPAN_TIMEOUT call it again.
   */
  abort(): Promise<void> {
    return this.#transaction.abort(() => this.#producer.flush());
  }

  /** Aborts an open transaction. The client stays open. */
  async close(): Promise<void> {
    try {
      if (this.#transaction.isAbortable) await this.abort();
    } finally {
      await this.#producer.close();
      this.#coordinator.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
