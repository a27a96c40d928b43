import type { Keyed } from "../../coordinator/deadlines.ts";

/** When it is due, the transaction is aborted. */
interface TimeoutTimer extends Keyed {
  readonly kind: "timeout";
  readonly transactionalId: string;
}

/** When it is due, transactional ids that were not used for long are forgotten. */
interface ExpiryTimer extends Keyed {
  readonly kind: "expiry";
}

export type TransactionTimer = TimeoutTimer | ExpiryTimer;

export const ID_EXPIRY: ExpiryTimer = { kind: "expiry", key: "expiry" };

export function timeoutOf(transactionalId: string): TimeoutTimer {
  return { kind: "timeout", transactionalId, key: timeoutKey(transactionalId) };
}

export function timeoutKey(transactionalId: string): string {
  return `timeout/${transactionalId}`;
}
