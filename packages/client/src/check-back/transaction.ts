import type { ConsumedRecord, ProducerRecord } from "../record.ts";

/** A record of a local transaction, as it will be delivered to its topic. */
export interface HalfRecord {
  readonly topic: string;
  /** Null if its key decides. */
  readonly partition: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ConsumedRecord["headers"];
  /** Ms since the epoch; -1 if the record has none. */
  readonly timestamp: number;
}

/** A local transaction whose records wait for its outcome. */
export interface LocalTransaction {
  /** The same for each call of a listener about it, in whichever process. */
  readonly id: string;
  /** All records; in a check of a batch only the one that the broker asks about. */
  readonly records: readonly HalfRecord[];
  /** How many records the transaction has. */
  readonly size: number;
  /** 0 for `executeLocalTransaction`; else which check this is, from 1 on. */
  readonly check: number;
  /** How many checks follow before the broker rolls it back; null if it was not asked yet. */
  readonly checksLeft: number | null;
}

/**
 * What has become of a local transaction. `unknown`: the broker asks a member of the producer group
 * again.
 */
export type LocalOutcome = "commit" | "rollback" | "unknown";

const encoder = new TextEncoder();

/** The record as listeners see it. */
export function halfRecordOf(record: ProducerRecord, nowMs: number): HalfRecord {
  const { topic, partition, key, value, headers = [], timestamp = nowMs } = record;
  return {
    ...{ topic, partition: partition ?? null, key: bytesOf(key), value: bytesOf(value), timestamp },
    headers: headers.map((header) => ({ key: header.key, value: bytesOf(header.value) })),
  };
}

function bytesOf(value: Uint8Array | string | null | undefined): Buffer | null {
  if (value === null || value === undefined) return null;
  return Buffer.from(typeof value === "string" ? encoder.encode(value) : value);
}
