/** Reads and changes delayed messages. All operations reject with AdminError. */
export interface DelayedAdmin {
  /** Those that wait and pass the filter, the next one first. */
  list(filter: DelayedFilter): Promise<readonly DelayedMessage[]>;
  /** `not-found` if no message with this id waits: it was delivered, cancelled, or never there. */
  cancel(id: string): Promise<void>;
  /** Delivers a message now. `not-found` as with `cancel`. */
  deliver(id: string): Promise<void>;
}

/** All that is null does not filter. */
export interface DelayedFilter {
  readonly id: string | null;
  /** The target topic. */
  readonly topic: string | null;
  /** Due at this time or later, ms since the epoch. */
  readonly fromMs: number | null;
  /** Due before this time. */
  readonly toMs: number | null;
  /** At most so many. */
  readonly limit: number;
}

export interface DelayedMessage {
  /** As UTF-8. */
  readonly id: string;
  readonly topic: string;
  /** Null: the partition of its key. */
  readonly partition: number | null;
  /** Ms since the epoch. */
  readonly deliverAt: number;
  /** Of its value. */
  readonly sizeBytes: number;
}
