/** A record to send. Texts are written as UTF-8. */
export interface ProducerRecord {
  readonly topic: string;
  /** Left out, the producer's partitioner chooses. */
  readonly partition?: number | undefined;
  readonly key?: Uint8Array | string | null | undefined;
  /** Null is a tombstone in a compacted topic. */
  readonly value: Uint8Array | string | null;
  readonly headers?: readonly HeaderInput[] | undefined;
  /** Ms since the epoch; now when left out. */
  readonly timestamp?: number | undefined;
}

export interface HeaderInput {
  readonly key: string;
  readonly value: Uint8Array | string | null;
}

/** Where a record went. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** -1 when the broker did not say: acks=0, or a batch it had already. */
  readonly offset: number;
  /** Ms since the epoch, as stored. */
  readonly timestamp: number;
}

/**
 * A record that was read. Key, value and header values are Buffers, so `toString()` is their text.
 * They are views of what was fetched: one that is kept keeps all of it; `Buffer.from(value)` is a
 * copy.
 */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Ms since the epoch, -1 for none. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}
