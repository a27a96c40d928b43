import type { TransactionRecord, TransactionValue } from "@tarpan/protocol";

/** Kafka's TransactionState, by its number in a record. */
const STATES = [
  "Empty",
  "Ongoing",
  "PrepareCommit",
  "PrepareAbort",
  "CompleteCommit",
  "CompleteAbort",
] as const;

export type TransactionState = (typeof STATES)[number];

export function isTransactionState(name: string): name is TransactionState {
  return (STATES as readonly string[]).includes(name);
}

export interface TopicPartitions {
  readonly topic: string;
  readonly partitionIds: readonly number[];
}

/** What is recorded of a transactional id (Kafka's TransactionMetadata). Never changed in place. */
export interface Transaction {
  readonly transactionalId: string;
  readonly state: TransactionState;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** The epoch before the last bump, which a producer may send again; -1 when there is none. */
  readonly lastProducerEpoch: number;
  /** The producer id before the last change of state. */
  readonly previousProducerId: number;
  /** The producer id after the end that is being written; -1 when it stays the same. */
  readonly nextProducerId: number;
  readonly timeoutMs: number;
  readonly partitions: readonly TopicPartitions[];
  /** When the transaction began, wall ms; -1 when none has. */
  readonly startMs: number;
  /** Of the last change, wall ms. */
  readonly updatedMs: number;
  /** 2 when each transaction has an epoch of its own (KIP-890). */
  readonly clientVersion: number;
}

const NONE = -1;
/** One epoch is left for the marker that ends the last transaction of a producer id. */
const LAST_USABLE_EPOCH = 0x7fff - 1;
export const LAST_EPOCH = 0x7fff;

export function isExhausted(producerEpoch: number): boolean {
  return producerEpoch >= LAST_USABLE_EPOCH;
}

/** The state of a transactional id that was never used. */
export function newTransaction(transactionalId: string, producerId: number): Transaction {
  return {
    ...{ transactionalId, state: "Empty", producerId, producerEpoch: NONE },
    ...{ lastProducerEpoch: NONE, previousProducerId: NONE, nextProducerId: NONE },
    ...{ timeoutMs: 0, partitions: [], startMs: NONE, updatedMs: 0, clientVersion: 0 },
  };
}

export function isPrepared({ state }: Transaction): boolean {
  return state === "PrepareCommit" || state === "PrepareAbort";
}

export function holds({ partitions }: Transaction, topic: string, partition: number): boolean {
  return partitions.some((held) => held.topic === topic && held.partitionIds.includes(partition));
}

/** All of both, each once. */
export function joined(
  held: readonly TopicPartitions[],
  added: readonly TopicPartitions[],
): TopicPartitions[] {
  const byTopic = new Map(held.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]));
  for (const { topic, partitionIds } of added) {
    const ids = byTopic.get(topic) ?? new Set();
    for (const id of partitionIds) ids.add(id);
    byTopic.set(topic, ids);
  }
  return [...byTopic].map(([topic, ids]) => ({ topic, partitionIds: [...ids] }));
}

/** As it is recorded. */
export function recordedOf(transaction: Transaction): TransactionValue {
  return {
    producerId: transaction.producerId,
    previousProducerId: transaction.previousProducerId,
    nextProducerId: transaction.nextProducerId,
    producerEpoch: transaction.producerEpoch,
    nextProducerEpoch: NONE,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: STATES.indexOf(transaction.state),
    transactionPartitions:
      transaction.state === "Empty" ? null : transaction.partitions.map(copyOf),
    transactionLastUpdateTimestampMs: transaction.updatedMs,
    transactionStartTimestampMs: transaction.startMs,
    clientTransactionVersion: transaction.clientVersion,
    lastProducerEpoch: transaction.lastProducerEpoch,
  };
}

function copyOf({ topic, partitionIds }: TopicPartitions) {
  return { topic, partitionIds: [...partitionIds] };
}

/** Null for a tombstone, or a state that this version does not know. */
export function transactionOf({ transactionalId, value }: TransactionRecord): Transaction | null {
  const state = value === null ? undefined : STATES[value.transactionStatus];
  if (value === null || state === undefined) return null;
  return {
    transactionalId,
    state,
    producerId: value.producerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: value.lastProducerEpoch,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    timeoutMs: value.transactionTimeoutMs,
    partitions: value.transactionPartitions ?? [],
    startMs: value.transactionStartTimestampMs,
    updatedMs: value.transactionLastUpdateTimestampMs,
    clientVersion: value.clientTransactionVersion,
  };
}
