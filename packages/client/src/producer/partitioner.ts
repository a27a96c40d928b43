import { ClientError } from "../errors.ts";
import { STICKY_BYTES } from "../limits.ts";
import type { ProducerRecord } from "../record.ts";
import { murmur2 } from "./murmur2.ts";

/** Chooses a partition below `partitionCount` for a record that names none. One per producer. */
export type Partitioner = (record: ProducerRecord, partitionCount: number) => number;

/**
 * Kafka's default: a record with a key goes where its hash says, others stick together for a while.
 */
export function hashPartitioner(sticky: Partitioner = stickyPartitioner()): Partitioner {
  return (record, partitionCount) => {
    const key = keyBytes(record.key);
    return key === null ? sticky(record, partitionCount) : keyPartition(key, partitionCount);
  };
}

/** Where every Kafka client puts this key. */
export function keyPartition(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/**
 * One random partition after another, each for STICKY_BYTES, which makes fuller batches (KIP-794).
 */
export function stickyPartitioner(random: () => number = Math.random): Partitioner {
  const current = new Map<string, { partition: number; bytes: number }>();
  return ({ topic, value }, partitionCount) => {
    let at = current.get(topic);
    if (at === undefined || at.bytes >= STICKY_BYTES || at.partition >= partitionCount) {
      at = { partition: Math.floor(random() * partitionCount), bytes: 0 };
      current.set(topic, at);
    }
    at.bytes += value?.length ?? 0;
    return at.partition;
  };
}

export function roundRobinPartitioner(): Partitioner {
  const next = new Map<string, number>();
  return ({ topic }, partitionCount) => {
    const partition = (next.get(topic) ?? 0) % partitionCount;
    next.set(topic, partition + 1);
    return partition;
  };
}

export function randomPartitioner(random: () => number = Math.random): Partitioner {
  return (_record, partitionCount) => Math.floor(random() * partitionCount);
}

/** For producers that always name a partition. */
export function manualPartitioner(): Partitioner {
  return ({ topic }) => {
    throw new ClientError(
      "TARPAN_NO_PARTITION",
      `the record for ${topic} names no partition, and this producer chooses none`,
    );
  };
}

function keyBytes(key: ProducerRecord["key"]): Uint8Array | null {
  if (key === undefined || key === null) return null;
  return typeof key === "string" ? new TextEncoder().encode(key) : key;
}
