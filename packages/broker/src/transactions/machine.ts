import { decodeTransactionRecord, encodeTransactionRecord } from "@tarpan/protocol";
import type { CoordinatorMachine } from "../coordinator/machine.ts";
import { ABORT_RETRY_MS } from "./limits.ts";
import type { Effects } from "./model/ending.ts";
import { type TransactionTimer, timeoutOf } from "./model/timers.ts";
import { isPrepared, recordedOf, transactionOf } from "./model/transaction.ts";
import { armExpiry, expireIds } from "./operations/expire-ids.ts";
import type { TransactionChange, TransactionsState, TransactionTurn } from "./turn.ts";

/** One partition of `__transaction_state`: its transactional ids. */
export function transactionMachine(
  effects: Effects,
): CoordinatorMachine<TransactionsState, TransactionChange, TransactionTimer> {
  return {
    initial: () => new Map(),
    apply,
    snapshot,
    encode: ({ transactionalId, transaction }) =>
      encodeTransactionRecord(transactionalId, transaction && recordedOf(transaction)),
    decode({ key, value }) {
      const record = key === null ? null : decodeTransactionRecord(key, value);
      if (record === null) return null;
      const { transactionalId } = record;
      return { transactionalId, transaction: transactionOf(record) };
    },
    loaded: (turn) => loaded(turn, effects),
    fired(turn, timer) {
      if (timer.kind === "expiry") return expireIds(turn);
      const transaction = turn.state.get(timer.transactionalId);
      if (transaction?.state !== "Ongoing") return;
      // Again, if the abort can't be recorded now.
      turn.arm(timer, ABORT_RETRY_MS);
      turn.whenDurable(() => effects.abort(transaction));
    },
    // A partition that was deleted gets no marker.
    topicsChanged() {},
  };
}

function apply(state: TransactionsState, { transactionalId, transaction }: TransactionChange) {
  if (transaction === null) state.delete(transactionalId);
  else state.set(transactionalId, transaction);
}

function* snapshot(state: TransactionsState): Generator<readonly TransactionChange[]> {
  for (const [transactionalId, transaction] of state) yield [{ transactionalId, transaction }];
}

/** Goes on with what the coordinator before it had begun. */
function loaded(turn: TransactionTurn, effects: Effects): void {
  const { leaderEpoch: coordinatorEpoch, wallMs } = turn;
  for (const transaction of turn.state.values()) {
    const { transactionalId, timeoutMs, startMs } = transaction;
    if (isPrepared(transaction)) {
      turn.whenDurable(() => effects.end({ transaction, coordinatorEpoch }));
    } else if (transaction.state === "Ongoing") {
      // Not longer than it may take, whatever the wall clock says.
      turn.arm(timeoutOf(transactionalId), Math.min(startMs + timeoutMs - wallMs, timeoutMs));
    }
  }
  armExpiry(turn);
}
