import { ErrorCode } from "@tarpan/protocol";
import { CoordinatorRuntime, type RuntimeParts } from "../coordinator/runtime.ts";
import type { Timers } from "../env/env.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { TRANSACTION_STATE_TOPIC } from "../metadata/topic-names.ts";
import { StateMachineError } from "../state-machine/replayed-state.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { attemptWhen } from "../util/latch.ts";
import { transactionMachine } from "./machine.ts";
import { MarkerSender, type WriteMarkers } from "./marker-sender.ts";
import type { Effects, Ending } from "./model/ending.ts";
import type { TransactionTimer } from "./model/timers.ts";
import type { TopicPartitions, Transaction } from "./model/transaction.ts";
import {
  addPartitions,
  type PartitionVerdict,
  type ProducerInTransaction,
  verifyPartitions,
} from "./operations/add-partitions.ts";
import { complete, fence } from "./operations/end-transaction.ts";
import { type AskPartitions, OtherCoordinators } from "./other-coordinators.ts";
import {
  NEEDS_PRODUCER_ID,
  type OrNeedsProducerId,
  type TransactionChange,
  type TransactionOperation,
  type TransactionsState,
} from "./turn.ts";
import type { PartitionInTransaction, TransactionVerifier } from "./verifier.ts";

interface Parts extends RuntimeParts {
  readonly metadata: Metadata;
  readonly writeMarkers: WriteMarkers;
  /** Asks another broker, which coordinates these. Rejects if it can't be asked. */
  readonly askPartitions: AskPartitions;
}

interface Answer {
  readonly errorCode: ErrorCode;
}

/** Makes an operation, with a new producer id if the one before needed one. */
type Attempt<T> = (
  newProducerId: number | null,
  effects: Effects,
) => TransactionOperation<OrNeedsProducerId<T>>;

/** The coordinators of transactions: a shard for each partition of the topic led here. */
export class TransactionCoordinator
  extends CoordinatorRuntime<TransactionsState, TransactionChange, TransactionTimer>
  implements TransactionVerifier
{
  readonly #metadata: Metadata;
  readonly #others: OtherCoordinators;
  readonly #timers: Timers;
  readonly #effects: Effects;
  readonly #markers: MarkerSender;

  constructor(parts: Parts) {
    const { metadata, env, logger, writeMarkers } = parts;
    const effects: Effects = {
      end: (ending) => this.#markers.end(ending),
      abort: (timedOut) => void this.#abort(timedOut).catch(ignoreUnavailable),
    };
    super(parts, {
      name: "the transaction coordinator",
      topic: TRANSACTION_STATE_TOPIC,
      createTopic: async () => {
        const { errorCode } = await metadata.controller.createTransactionTopic({});
        return errorCode;
      },
      machine: transactionMachine(effects),
    });
    this.#metadata = metadata;
    this.#timers = env.timers;
    this.#others = new OtherCoordinators(parts.askPartitions);
    this.#effects = effects;
    this.#markers = new MarkerSender({
      ...{ env, logger, write: writeMarkers },
      image: () => metadata.image,
      isCoordinator: (transactionalId, epoch) => this.leaderEpochOf(transactionalId) === epoch,
      complete: (ending) => this.#complete(ending),
    });
  }

  /** Runs an operation, again with a new producer id if it needs one. Rejects with KafkaError. */
  async decide<T extends Answer>(transactionalId: string, attempt: Attempt<T>): Promise<T> {
    return this.#afterEnd(transactionalId, () => this.#decide(transactionalId, attempt));
  }

  async #decide<T>(transactionalId: string, attempt: Attempt<T>): Promise<T> {
    const first = await this.run(transactionalId, attempt(null, this.#effects));
    if (first !== NEEDS_PRODUCER_ID) return first;
    const newProducerId = await this.#metadata.nextProducerId();
    const again = await this.run(transactionalId, attempt(newProducerId, this.#effects));
    return again as T;
  }

  async verify(wanted: PartitionInTransaction, adds: boolean): Promise<ErrorCode> {
    const coordinator = this.coordinatorOf(wanted.transactionalId);
    if (coordinator < 0) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (coordinator !== this.#metadata.nodeId) {
      return this.#others.verify(coordinator, wanted, adds);
    }
    const { topic, partition } = wanted;
    try {
      if (adds) return await this.addPartitions(wanted, [{ topic, partitionIds: [partition] }], 2);
      return (await this.verifyPartitions(wanted))(topic, partition);
    } catch (error) {
      if (error instanceof KafkaError) return error.errorCode as ErrorCode;
      throw error;
    }
  }

  /** Rejects with KafkaError. */
  async addPartitions(
    producer: ProducerInTransaction,
    added: readonly TopicPartitions[],
    clientVersion: number,
  ): Promise<ErrorCode> {
    const { transactionalId } = producer;
    const operation = addPartitions(producer, added, clientVersion);
    const add = async () => ({ errorCode: await this.run(transactionalId, operation) });
    const { errorCode } = await this.#afterEnd(transactionalId, add);
    return errorCode;
  }

  /** Rejects with KafkaError. */
  verifyPartitions(producer: ProducerInTransaction): Promise<PartitionVerdict> {
    return this.run(producer.transactionalId, verifyPartitions(producer));
  }

  override close(): void {
    this.#markers.close();
    super.close();
  }

  /**
   * A producer may ask for its next transaction before the markers of the last one are written.
   * Waiting here takes less time than the pause after which its client asks again. The next attempt
   * is made in the very turn in which the end is decided, so that one write records both.
   */
  async #afterEnd<T extends Answer>(
    transactionalId: string,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const first = await attempt();
    if (first.errorCode !== ErrorCode.CONCURRENT_TRANSACTIONS) return first;
    const end = this.#markers.endOf(transactionalId);
    if (end === null) return first;
    const waitMs = this.#metadata.brokerConfig().addPartitionsToTxnRetryBackoffMaxMs;
    return attemptWhen(end, waitMs, this.#timers, attempt);
  }

  async #abort(timedOut: Transaction): Promise<void> {
    const { transactionalId } = timedOut;
    await this.#decide<boolean>(transactionalId, (newProducerId, effects) =>
      fence(timedOut, this.#metadata.transactionVersion, newProducerId, effects),
    );
  }

  /** False while the shard is unavailable. */
  async #complete(ending: Ending): Promise<boolean> {
    try {
      await this.run(ending.transaction.transactionalId, complete(ending));
      return true;
    } catch (error) {
      if (error instanceof KafkaError) return false;
      throw error;
    }
  }
}

/** The deadline comes again. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof KafkaError || error instanceof StateMachineError)) throw error;
}
