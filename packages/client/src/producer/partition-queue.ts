import type { Operation } from "../connection/trouble.ts";
import { Batch, type ProducerIdentity } from "./batch.ts";

/**
 * The batches of one partition, oldest first.
 *
 * 1. At most one is in flight: a retry can't change the order of records, and the records that
 *    follow gather in one larger batch.
 * 2. A batch gets its base sequence when it is first sent, and keeps it.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly sending: Operation;
  readonly waiting: Batch[] = [];
  inFlight: Batch | null = null;
  #identity: ProducerIdentity | null = null;
  #nextSequence = 0;

  constructor(topic: string, partition: number, sending: Operation) {
    this.topic = topic;
    this.partition = partition;
    this.sending = sending;
  }

  /** The batch to add a record of `sizeBytes` to. */
  open(sizeBytes: number, maxBytes: number, deliveryTimeoutMs: number): Batch {
    const last = this.waiting.at(-1);
    if (last !== undefined && !last.isEncoded && last.sizeBytes + sizeBytes <= maxBytes)
      return last;
    const batch = new Batch(this.topic, this.partition, deliveryTimeoutMs);
    this.waiting.push(batch);
    return batch;
  }

  /** Sequences start again at 0 under another producer id or epoch. */
  takeSequence(identity: ProducerIdentity, recordCount: number): number {
    if (this.#identity !== identity) [this.#identity, this.#nextSequence] = [identity, 0];
    const sequence = this.#nextSequence;
    // Sequences wrap from 2^31 - 1 to 0.
    this.#nextSequence = (sequence + recordCount) & 0x7fffffff;
    return sequence;
  }
}
