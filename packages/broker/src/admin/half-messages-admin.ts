/** Reads and resolves half messages. All operations reject with AdminError. */
export interface HalfMessagesAdmin {
  /** Those that wait and pass the filter: committed ones first, then by their next check. */
  list(filter: HalfMessageFilter): Promise<readonly HalfMessage[]>;
  /** `not-found` if no message of the group with this id waits for its resolution. */
  resolve(group: string, id: string, resolution: Resolution): Promise<void>;
}

export type Resolution = "commit" | "rollback";

/** All that is null does not filter. */
export interface HalfMessageFilter {
  readonly group: string | null;
  readonly id: string | null;
  /** The target topic. */
  readonly topic: string | null;
  /** At most so many. */
  readonly limit: number;
}

export interface HalfMessage {
  /** The producer group. */
  readonly group: string;
  /** As UTF-8. */
  readonly id: string;
  readonly topic: string;
  /** Null: the partition of its key. */
  readonly partition: number | null;
  /** One that is committed waits for its target; one that is rolled back becomes a dead letter. */
  readonly state: "waiting" | "committed" | "rolled-back";
  /** How many were sent; null for one that is committed. */
  readonly checks: number | null;
  /** Ms since the epoch; null if a check is on its way, or no more will be sent. */
  readonly nextCheckAt: number | null;
  /** When its producer created it, ms since the epoch. */
  readonly createdAt: number;
  /** Of its value. */
  readonly sizeBytes: number;
}
