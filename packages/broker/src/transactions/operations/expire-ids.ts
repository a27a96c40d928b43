import { EXPIRED_PER_TURN } from "../limits.ts";
import { ID_EXPIRY } from "../model/timers.ts";
import type { Transaction } from "../model/transaction.ts";
import type { TransactionTurn } from "../turn.ts";

/** Arms the next check, `transaction.remove.expired.transaction.cleanup.interval.ms` later. */
export function armExpiry(turn: TransactionTurn): void {
  turn.arm(ID_EXPIRY, turn.config.transactionalIdExpiryCheckIntervalMs);
}

/** Forgets transactional ids that were not used for `transactional.id.expiration.ms`. */
export function expireIds(turn: TransactionTurn): void {
  armExpiry(turn);
  const { wallMs, config, jumps } = turn;
  for (const [transactionalId, transaction] of turn.state) {
    if (turn.records.length >= EXPIRED_PER_TURN) {
      turn.arm(ID_EXPIRY, 1);
      return;
    }
    // After a jump of the wall clock each one has the full time again.
    const unusedMs = wallMs - Math.max(transaction.updatedMs, jumps.lastMs());
    if (!isOpen(transaction) && unusedMs >= config.transactionalIdExpirationMs) {
      turn.append({ transactionalId, transaction: null });
    }
  }
}

function isOpen({ state }: Transaction): boolean {
  return state === "Ongoing" || state === "PrepareCommit" || state === "PrepareAbort";
}
