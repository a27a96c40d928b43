/** A record to send. Strings are encoded as UTF-8. */
export interface ProducerRecord {
  readonly topic: string;
  /** Default: the producer's partitioner chooses. */
  readonly partition?: number | undefined;
  readonly key?: Uint8Array | string | null | undefined;
  /** Null makes the record a tombstone: in a compacted topic it deletes the key. */
  readonly value: Uint8Array | string | null;
  readonly headers?: readonly HeaderInput[] | undefined;
  /** Ms since the epoch. Default: the time of the `send` call. */
  readonly timestamp?: number | undefined;
}

export interface HeaderInput {
  readonly key: string;
  readonly value: Uint8Array | string | null;
}

/** Where a record was stored. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 if the broker did not say: with acks=0, or for a retried batch that was stored before. */
  readonly offset: number;
  /** Ms since the epoch, as stored. */
  readonly timestamp: number;
}

/**
 * A record that was read. Key, value and header values are views of the whole response: keeping one
 * keeps the response in memory. `Buffer.from(value)` makes a copy.
 */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Ms since the epoch; -1 if the record has none. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}
