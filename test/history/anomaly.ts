/**
 * What must never be in a history. The names are those of jepsen.tests.kafka where it has one:
 *
 * - lost-write: a record was acknowledged or read and is gone, although later ones are there
 * - unseen: likewise, at the end of the partition
 * - duplicate: one value at two offsets
 * - inconsistent-offsets: one offset, two values, or another offset than was acknowledged
 * - aborted-read: a record whose producer was told that it was not stored, or whose transaction was
 *   aborted (G1a)
 * - phantom: a record that nobody sent
 * - poll-skip: a reader left out records between two that it got
 * - nonmonotonic-poll: a reader got a record again, or an older one, while nothing was reassigned
 * - nonmonotonic-send: of two sends, one after the other, the second got the lower offset
 * - committed-back: the committed offset of a group went back
 * - committed-unread: a group committed beyond records that none of its members had been given
 * - two-owners: two members owned one partition in one generation
 *
 * Of transactions (what of this Kafka promises is said in check-transactions.ts):
 *
 * - uncommitted-read: a record that was read before anyone asked to commit its transaction
 * - torn-transaction: some records of a transaction are there, and others are not
 * - taken-twice: two committed transactions of a group took in the same record
 * - G0: the writes of transactions that run one after another are in no such order
 * - G1c: transactions that have each read, or followed, what comes of themselves
 */
export const ANOMALIES = [
  "lost-write",
  "unseen",
  "duplicate",
  "inconsistent-offsets",
  "aborted-read",
  "phantom",
  "poll-skip",
  "nonmonotonic-poll",
  "nonmonotonic-send",
  "committed-back",
  "committed-unread",
  "two-owners",
  "uncommitted-read",
  "torn-transaction",
  "taken-twice",
  "G0",
  "G1c",
] as const;

export interface Anomaly {
  readonly kind: (typeof ANOMALIES)[number];
  /** For whoever reads it: where, and what is wrong. */
  readonly message: string;
  /** Indices of the operations that show it. */
  readonly operations: readonly number[];
}
