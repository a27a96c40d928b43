// The state of a transactional producer.
//
// 1. After a failure nothing more is sent: the transaction can only be aborted.
// 2. Partitions are added to the transaction before batches are sent to them: by this client in
//    Kafka's old flow, by the brokers in the new one (KIP-890, transaction.version 2).
// 3. The end of a transaction is sent only when no batch is in flight. So no batch of an ended
//    transaction arrives in the next one.
// 4. In the new flow every transaction has an epoch of its own. In the old flow the epoch is raised
//    after a failure: the sequences have gaps then.

import type { GroupOffset } from "../admin/group-offsets.ts";
import { partitionKey, type TopicPartition } from "../connection/offsets.ts";
import {
  ClientError,
  isRetriable,
  type KafkaResponseError,
  type TransactionError,
} from "../errors.ts";
import type { ProducerIdentity } from "../producer/batch.ts";
import type { BatchWriter } from "../producer/batch-writer.ts";
import type { OffsetsGroup, TransactionCoordinator } from "./coordinator.ts";
import { type Answerer, fatalError, transactionError } from "./failures.ts";

/** The last version of Produce in the old flow: later ones add the partition by themselves. */
const OLD_PRODUCE_VERSION = 11;

type State = "none" | "open" | "committing" | "aborting";

export class Transaction implements BatchWriter {
  readonly transactionalId: string;
  readonly #coordinator: TransactionCoordinator;
  readonly #timeoutMs: number;
  #state: State = "none";
  /** Why the transaction, or the producer, can't go on. */
  #failure: TransactionError | null = null;
  /** Null before the first transaction. */
  #identity: ProducerIdentity | null = null;
  #newFlow = false;
  #raiseEpoch = false;
  /** Whether the coordinator may know of the transaction: without records it does not. */
  #started = false;
  readonly #added = new Set<string>();
  readonly #addedGroups = new Set<string>();

  constructor(coordinator: TransactionCoordinator, timeoutMs: number) {
    this.transactionalId = coordinator.transactionalId;
    this.#coordinator = coordinator;
    this.#timeoutMs = timeoutMs;
  }

  get maxProduceVersion(): number {
    return this.#newFlow ? Number.POSITIVE_INFINITY : OLD_PRODUCE_VERSION;
  }

  async begin(): Promise<void> {
    this.#assertUsable();
    if (this.#state !== "none") throw this.#misuse("a transaction is open already");
    const newFlow = await this.#coordinator.addsByItself();
    const isStale = this.#raiseEpoch && !this.#newFlow;
    if (this.#identity === null || isStale || newFlow !== this.#newFlow)
      this.#identity = await this.#initialised();
    [this.#newFlow, this.#raiseEpoch, this.#started] = [newFlow, false, false];
    this.#added.clear();
    this.#addedGroups.clear();
    this.#state = "open";
  }

  /** Throws unless records and offsets can be added to the transaction. */
  assertOpen(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#state === "none") throw this.#misuse("no transaction is open: call begin() first");
    if (this.#state !== "open") throw this.#misuse("the transaction is being ended");
  }

  /** Notes that a record or an offset was not stored. Returns the error for the caller. */
  failed(failure: Error, from: Answerer): Error {
    this.#raiseEpoch = true;
    if (this.#state === "aborting" || this.#state === "none") return failure;
    const error = transactionError(this.transactionalId, failure, from);
    if (this.#failure === null || this.#failure.abortable) this.#failure = error;
    return error;
  }

  async identityFor(partitions: readonly TopicPartition[]): Promise<ProducerIdentity> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#state === "none" || this.#state === "aborting") throw this.#aborted();
    this.#started = true;
    if (!this.#newFlow) await this.#add(partitions);
    return this.#identity!;
  }

  /** `failed` is called for each record of the batch. */
  batchFailed(): void {}

  async sendOffsets(group: OffsetsGroup, offsets: readonly GroupOffset[]): Promise<void> {
    this.assertOpen();
    this.#started = true;
    const [own, { groupId }] = [this.#identity!, group];
    try {
      if (!this.#newFlow && !this.#addedGroups.has(groupId)) {
        await this.#coordinator.addGroup(own, groupId);
        this.#addedGroups.add(groupId);
      }
      await this.#coordinator.commitOffsets(own, group, offsets, this.#newFlow);
    } catch (error) {
      throw this.failed(error as Error, "coordinator");
    }
  }

  /** `flush` resolves when no record is in flight. */
  async commit(flush: () => Promise<void>): Promise<void> {
    if (this.#state !== "committing") this.assertOpen();
    this.#assertUsable();
    this.#state = "committing";
    await flush();
    if (this.#failure !== null) throw this.#failure;
    try {
      await this.#end(true);
    } catch (error) {
      // It may have been committed: only another commit() can tell.
      if (isRetriable(error)) throw error;
      throw this.failed(error as Error, "coordinator");
    }
  }

  async abort(flush: () => Promise<void>): Promise<void> {
    this.#assertUsable();
    if (this.#state === "none") throw this.#misuse("no transaction is open");
    if (this.#state === "committing" && this.#failure === null)
      throw this.#misuse("commit() was called and may succeed: call it again");
    this.#state = "aborting";
    await flush();
    try {
      await this.#end(false);
    } catch (error) {
      if (isRetriable(error)) throw error;
      this.#failure = fatalError(this.transactionalId, error as Error);
      throw this.#failure;
    }
  }

  /** Whether there is something to abort. */
  get isAbortable(): boolean {
    if (this.#failure !== null) return this.#failure.abortable;
    return this.#state === "open" || this.#state === "aborting";
  }

  async #end(committed: boolean): Promise<void> {
    if (this.#started) this.#identity = await this.#ended(committed);
    this.#failure = null;
    this.#state = "none";
  }

  async #ended(committed: boolean): Promise<ProducerIdentity> {
    const own = this.#identity!;
    try {
      return await this.#coordinator.end(own, committed, this.#newFlow);
    } catch (error) {
      // In the old flow the coordinator may not know the transaction: adding to it has failed.
      const unknown = (error as KafkaResponseError).kafkaName === "INVALID_TXN_STATE";
      if (!committed && !this.#newFlow && this.#raiseEpoch && unknown) return own;
      throw error;
    }
  }

  async #initialised(): Promise<ProducerIdentity> {
    try {
      return await this.#coordinator.initProducer(this.#timeoutMs, this.#identity);
    } catch (error) {
      const told = transactionError(this.transactionalId, error as Error, "coordinator");
      // Else begin() can be called again.
      if (told.abortable) throw error;
      this.#failure = told;
      throw told;
    }
  }

  async #add(partitions: readonly TopicPartition[]): Promise<void> {
    const added = partitions.filter((each) => !this.#added.has(partitionKey(each)));
    if (added.length === 0) return;
    try {
      await this.#coordinator.addPartitions(this.#identity!, added);
      for (const each of added) this.#added.add(partitionKey(each));
    } catch (error) {
      throw this.failed(error as Error, "coordinator");
    }
  }

  #assertUsable(): void {
    if (this.#failure !== null && !this.#failure.abortable) throw this.#failure;
  }

  #misuse(problem: string): ClientError {
    const message = `transactional id ${this.transactionalId}: ${problem}`;
    return new ClientError("TARPAN_TRANSACTION_STATE", message);
  }

  #aborted(): ClientError {
    const message = "the transaction was aborted before the record was sent";
    return new ClientError("TARPAN_TRANSACTION_ABORTED", message);
  }
}
