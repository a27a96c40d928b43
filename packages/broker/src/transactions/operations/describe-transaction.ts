import type { Transaction } from "../model/transaction.ts";
import type { TransactionOperation } from "../turn.ts";

/** Null when the transactional id is unknown. */
export function describeTransaction(
  transactionalId: string,
): TransactionOperation<Transaction | null> {
  return (turn, reply) => turn.reply(reply, turn.state.get(transactionalId) ?? null);
}
