import { murmur2 } from "@tarpan/codecs";
import { ClientError } from "../errors.ts";
import { STICKY_BYTES } from "../limits.ts";
import type { ProducerRecord } from "../record.ts";

/**
 * Chooses a partition, from 0 to `partitionCount` - 1, for a record that names none. It may keep
 * state, so give each producer its own.
 */
export type Partitioner = (record: ProducerRecord, partitionCount: number) => number;

const BY_NAME = {
  hash: hashPartitioner,
  sticky: stickyPartitioner,
  "round-robin": roundRobinPartitioner,
  random: randomPartitioner,
  manual: manualPartitioner,
};

export type PartitionerName = keyof typeof BY_NAME;
export const PARTITIONER_NAMES = Object.keys(BY_NAME);

export function partitionerOf(wanted: PartitionerName | Partitioner): Partitioner {
  return typeof wanted === "string" ? BY_NAME[wanted]() : wanted;
}

/**
 * Kafka's default: the partition is the key's hash modulo `partitionCount`; records without a key
 * go to the `sticky` partitioner.
 */
export function hashPartitioner(sticky: Partitioner = stickyPartitioner()): Partitioner {
  return (record, partitionCount) => {
    const key = keyBytes(record.key);
    return key === null ? sticky(record, partitionCount) : keyPartition(key, partitionCount);
  };
}

/** The partition that Kafka's clients choose for this key. */
export function keyPartition(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/**
 * Sends about 16 KiB to one random partition, then to another: this makes fuller batches (KIP-794).
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

/** Each partition in turn, key or not. */
export function roundRobinPartitioner(): Partitioner {
  const next = new Map<string, number>();
  return ({ topic }, partitionCount) => {
    const partition = (next.get(topic) ?? 0) % partitionCount;
    next.set(topic, partition + 1);
    return partition;
  };
}

/** A random partition for each record, key or not. */
export function randomPartitioner(random: () => number = Math.random): Partitioner {
  return (_record, partitionCount) => Math.floor(random() * partitionCount);
}

/** For records that all name a partition; throws TARPAN_NO_PARTITION for one that does not. */
export function manualPartitioner(): Partitioner {
  return ({ topic }) => {
    throw new ClientError(
      "TARPAN_NO_PARTITION",
      `a record for ${topic} names no partition, which this producer's partitioner requires`,
    );
  };
}

function keyBytes(key: ProducerRecord["key"]): Uint8Array | null {
  if (key === undefined || key === null) return null;
  return typeof key === "string" ? new TextEncoder().encode(key) : key;
}
