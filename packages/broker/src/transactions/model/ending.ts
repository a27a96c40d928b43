import type { Transaction } from "./transaction.ts";

/** A transaction whose end is decided: its partitions have to get a marker each. */
export interface Ending {
  /** As it was prepared. */
  readonly transaction: Transaction;
  /** The leader epoch of the coordinator's partition. */
  readonly coordinatorEpoch: number;
}

/** What a coordinator does outside its shard. */
export interface Effects {
  /** Writes the markers, and then completes the transaction. */
  end(ending: Ending): void;
  /** Aborts a transaction that took too long. */
  abort(timedOut: Transaction): void;
}
