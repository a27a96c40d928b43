import type { LogId } from "../log/log.ts";
import type { LogError } from "../log/log-error.ts";
import { Latch } from "../util/latch.ts";
import type { DedupeRules } from "./message-ids.ts";
import type { Partition } from "./partition.ts";

/** The part of the topic's configuration that a partition needs; passed again when it changes. */
export interface PartitionSettings {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly indexIntervalBytes: number;
  readonly fileDeleteDelayMs: number;
  /** Whether retention deletes old records; without it they are only compacted. */
  readonly deleteOld: boolean;
  /** Negative for no limit. */
  readonly retentionMs: number;
  /** Negative for no limit. */
  readonly retentionBytes: number;
  /** Whether only the last record of each key is kept. */
  readonly compact: boolean;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly deleteRetentionMs: number;
  /** Null: records with a known message id are stored like all others. */
  readonly dedupe: DedupeRules | null;
}

/** A partition that this broker leads, by the metadata. */
export interface HostedPartition {
  readonly id: LogId;
  readonly leaderEpoch: number;
  readonly settings: PartitionSettings;
}

/** A partition that this broker leads, open or not. */
export interface Slot {
  hosted: HostedPartition;
  /** Null while it is being opened, and when that failed. */
  partition: Partition | null;
  /** Why the last opening failed; null during the first opening. */
  failure: LogError | null;
  /** When to log the failure, monotonic ms; null when it was logged or need not be. */
  tellAtMs: number | null;
  /** This broker no longer leads it: a log that is still being opened must be closed. */
  released: boolean;
  /** The first opening; null once it has succeeded or failed, or is no longer needed. */
  takeOver: Latch | null;
}

/** `failure`: why it is offline. */
export interface PartitionStatus {
  readonly hosted: HostedPartition;
  readonly partition: Partition | null;
  readonly failure: LogError | null;
}

export function newSlot(hosted: HostedPartition, partition: Partition | null): Slot {
  const takeOver = partition === null ? new Latch() : null;
  return { hosted, partition, failure: null, tellAtMs: null, released: false, takeOver };
}

/** Wakes waiting requests at once, in their order, and so before any later request. */
export function endTakeOver(slot: Slot): void {
  const { takeOver } = slot;
  slot.takeOver = null;
  takeOver?.open();
}
