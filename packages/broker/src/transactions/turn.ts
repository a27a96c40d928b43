import type { Operation, Turn } from "../coordinator/turn.ts";
import type { TransactionTimer } from "./model/timers.ts";
import type { Transaction } from "./model/transaction.ts";

/** All transactional ids of a shard. */
export type TransactionsState = Map<string, Transaction>;

/** The new state of a transactional id; null when it is forgotten. */
export interface TransactionChange {
  readonly transactionalId: string;
  readonly transaction: Transaction | null;
}

export type TransactionTurn = Turn<TransactionsState, TransactionChange, TransactionTimer>;
export type TransactionOperation<T = unknown> = Operation<
  TransactionsState,
  TransactionChange,
  TransactionTimer,
  T
>;

export function record(turn: TransactionTurn, transaction: Transaction): void {
  turn.append({ transactionalId: transaction.transactionalId, transaction });
}

/** The operation has to run again with a new producer id, which a turn can't wait for. */
export const NEEDS_PRODUCER_ID = "needs-producer-id";
export type OrNeedsProducerId<T> = T | typeof NEEDS_PRODUCER_ID;
