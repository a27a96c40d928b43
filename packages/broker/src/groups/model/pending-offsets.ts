import { type GroupRecord, TransactionResult } from "@tarpan/protocol";
import { Verifications } from "../../partition/verifications.ts";
import { ByPartition } from "./by-partition.ts";
import type { CommittedOffset } from "./committed-offset.ts";

export type PendingOffsetRecord = Extract<GroupRecord, { record: "PendingOffset" }>;
type TransactionEndRecord = Extract<GroupRecord, { record: "TransactionEnd" }>;

/** An offset that a transaction has committed. */
export interface PendingOffset {
  readonly producerId: number;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset;
  /** An offset that was recorded later has been committed: it stays when this one is committed. */
  isOutdated: boolean;
}

/** A producer whose transactions have committed offsets here. */
export interface TransactionalProducer {
  epoch: number;
  /** Of the newest end of a transaction; -1 before the first one. */
  coordinatorEpoch: number;
  /** Wall ms of its newest record. */
  lastMs: number;
  /** Of its open transaction's first record; -1 without one, or if an older version recorded it. */
  startOffset: number;
  /** Of its open transaction, in the order in which they came. */
  readonly pending: Set<PendingOffset>;
}

/**
 * The offsets of one shard that wait for the end of their transactions, and what is known of the
 * producers (KIP-98, KIP-447; Kafka's OffsetMetadataManager). `apply` is the only writer.
 *
 * Invariants:
 * 1. The pending offsets of a producer are of one transaction: of the producer's epoch.
 * 2. Of each partition the pending offsets are kept in the order in which they were recorded.
 * 3. A producer with pending offsets is never forgotten.
 */
export class PendingOffsets {
  /** By producer id. */
  readonly #partitions = new ByPartition<Map<number, PendingOffset>>();
  /** By id, in the order of their last use. */
  readonly #producers = new Map<number, TransactionalProducer>();
  /** Soft state. */
  readonly verifications = new Verifications();

  get producers(): ReadonlyMap<number, TransactionalProducer> {
    return this.#producers;
  }

  hasGroup(groupId: string): boolean {
    return this.#partitions.has(groupId);
  }

  groupIds(): MapIterator<string> {
    return this.#partitions.groupIds();
  }

  /** Whether a transaction may still change the committed offset of this partition. */
  has(group: string, topic: string, partition: number): boolean {
    return this.#partitions.get(group, topic, partition) !== undefined;
  }

  /** All of them. */
  *[Symbol.iterator](): Generator<PendingOffset> {
    for (const { pending } of this.#producers.values()) yield* pending;
  }

  *ofGroup(groupId: string): Generator<PendingOffset> {
    for (const partitions of this.#partitions.topicsOf(groupId)?.values() ?? []) {
      for (const pending of partitions.values()) yield* pending.values();
    }
  }

  of(group: string, topic: string, partition: number): Iterable<PendingOffset> {
    return this.#partitions.get(group, topic, partition)?.values() ?? NOTHING;
  }

  /** Whether the producer has a transaction here, which it began in this epoch. */
  isOpen(producerId: number, producerEpoch: number): boolean {
    const producer = this.#producers.get(producerId);
    return producer !== undefined && producer.pending.size > 0 && producer.epoch === producerEpoch;
  }

  apply({ key, value }: PendingOffsetRecord): void {
    const { producerId, group, topic, partition } = key;
    if (value === null) {
      const dropped = this.#partitions.get(group, topic, partition)?.get(producerId);
      if (dropped !== undefined) this.#remove(dropped);
      return;
    }
    const { producerEpoch, isOutdated, startOffset, ...offset } = value;
    const producer = this.#used(producerId, producerEpoch, offset.commitTimestamp);
    // What an older epoch left here came after the end of its transaction.
    if (producerEpoch > producer.epoch) this.#removeAll(producer);
    producer.epoch = producerEpoch;
    this.verifications.begun(producerId);
    const committed = { ...offset, expireTimestamp: -1 };
    const knownStart = producer.startOffset;
    this.#put({ producerId, group, topic, partition, value: committed, isOutdated });
    producer.startOffset = startOffset >= 0 ? startOffset : knownStart;
  }

  /** Returns the offsets that are committed now. */
  end({ key: { producerId }, value }: TransactionEndRecord): readonly PendingOffset[] {
    if (value === null) {
      this.#producers.delete(producerId);
      return [];
    }
    const { producerEpoch, coordinatorEpoch, timestamp, result } = value;
    const producer = this.#used(producerId, producerEpoch, timestamp);
    producer.epoch = Math.max(producer.epoch, producerEpoch);
    producer.coordinatorEpoch = Math.max(producer.coordinatorEpoch, coordinatorEpoch);
    if (result === TransactionResult.none) return [];
    this.verifications.ended(producerId, producerEpoch);
    const committed = [];
    for (const pending of producer.pending) {
      if (result === TransactionResult.committed && !pending.isOutdated) {
        this.#outdateBefore(pending);
        committed.push(pending);
      }
      this.#remove(pending);
    }
    return committed;
  }

  /** An offset of this partition was committed without a transaction. */
  outdate(group: string, topic: string, partition: number): void {
    // Every commit comes here, and mostly there are no transactions.
    if (this.#partitions.size === 0) return;
    for (const pending of this.of(group, topic, partition)) pending.isOutdated = true;
  }

  /** Tombstones, for the caller to append. Changes nothing. */
  deletePartition(group: string, topic: string, partition: number): GroupRecord[] {
    return Array.from(this.of(group, topic, partition), pendingTombstone);
  }

  deleteGroup(groupId: string): GroupRecord[] {
    return Array.from(this.ofGroup(groupId), pendingTombstone);
  }

  /** The records of one partition are one unit: see `OffsetStore.records`. */
  *recordsOf(group: string, topic: string, partition: number): Generator<GroupRecord> {
    for (const { producerId, value, isOutdated } of this.of(group, topic, partition)) {
      const { expireTimestamp: _, ...offset } = value;
      const { epoch: producerEpoch, startOffset } = this.#producers.get(producerId)!;
      yield {
        record: "PendingOffset",
        key: { producerId, group, topic, partition },
        value: { producerEpoch, ...offset, isOutdated, startOffset },
      };
    }
  }

  /** Of the partitions that exist at its first step: they come and go meanwhile. */
  *records(): Generator<readonly GroupRecord[]> {
    const partitions = Array.from(this.#partitions, ([group, topic, partition]) => {
      return [group, topic, partition] as const;
    });
    for (const [group, topic, partition] of partitions) {
      yield [...this.recordsOf(group, topic, partition)];
    }
  }

  /** Come after the pending offsets, which do not tell all about their producers. */
  *producerRecords(): Generator<readonly GroupRecord[]> {
    for (const producerId of [...this.#producers.keys()]) {
      const producer = this.#producers.get(producerId);
      if (producer !== undefined) yield [producerRecord(producerId, producer)];
    }
  }

  #put(pending: PendingOffset): void {
    const { producerId, group, topic, partition } = pending;
    const before = this.#partitions.get(group, topic, partition)?.get(producerId);
    // Removing it first moves it to the end, which keeps the order.
    if (before !== undefined) this.#remove(before);
    const others = this.#partitions.get(group, topic, partition);
    if (others === undefined) {
      this.#partitions.put(group, topic, partition, new Map([[producerId, pending]]));
    } else {
      others.set(producerId, pending);
    }
    this.#producers.get(producerId)!.pending.add(pending);
  }

  #remove(pending: PendingOffset): void {
    const { producerId, group, topic, partition } = pending;
    const ofPartition = this.#partitions.get(group, topic, partition)!;
    ofPartition.delete(producerId);
    if (ofPartition.size === 0) this.#partitions.remove(group, topic, partition);
    const producer = this.#producers.get(producerId)!;
    producer.pending.delete(pending);
    if (producer.pending.size === 0) producer.startOffset = -1;
  }

  #removeAll({ pending }: TransactionalProducer): void {
    for (const one of pending) this.#remove(one);
  }

  #outdateBefore({ producerId, group, topic, partition }: PendingOffset): void {
    for (const earlier of this.of(group, topic, partition)) {
      if (earlier.producerId === producerId) return;
      earlier.isOutdated = true;
    }
  }

  /** The producer, which becomes the one that was used last. */
  #used(producerId: number, epoch: number, timestampMs: number): TransactionalProducer {
    const known = this.#producers.get(producerId);
    const fresh = { epoch, coordinatorEpoch: -1, lastMs: 0, startOffset: -1 };
    const producer = known ?? { ...fresh, pending: new Set() };
    producer.lastMs = Math.max(producer.lastMs, timestampMs);
    this.#producers.delete(producerId);
    this.#producers.set(producerId, producer);
    return producer;
  }
}

const NOTHING: readonly never[] = [];

export function pendingTombstone({
  producerId,
  group,
  topic,
  partition,
}: PendingOffset): GroupRecord {
  return { record: "PendingOffset", key: { producerId, group, topic, partition }, value: null };
}

function producerRecord(producerId: number, producer: TransactionalProducer): GroupRecord {
  const { epoch: producerEpoch, coordinatorEpoch, lastMs: timestamp } = producer;
  const value = { producerEpoch, coordinatorEpoch, timestamp, result: TransactionResult.none };
  return { record: "TransactionEnd", key: { producerId }, value };
}

export function producerTombstone(producerId: number): GroupRecord {
  return { record: "TransactionEnd", key: { producerId }, value: null };
}
