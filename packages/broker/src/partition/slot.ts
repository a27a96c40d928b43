import type { LogId } from "../log/log.ts";
import type { LogError } from "../log/log-error.ts";
import { Occasion } from "../util/coming.ts";
import type { Partition } from "./partition.ts";

/** What a partition needs of its topic's configuration; handed in anew when that changes. */
export interface PartitionSettings {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly indexIntervalBytes: number;
}

/** A partition this broker leads, as the metadata says it is. */
export interface HostedPartition {
  readonly id: LogId;
  readonly leaderEpoch: number;
  readonly settings: PartitionSettings;
}

/** A partition that this broker leads, open or not. */
export interface Slot {
  hosted: HostedPartition;
  /** Null while it is opened, and when it can't be. */
  partition: Partition | null;
  /** Why it could not be opened the last time; null while it is opened for the first time. */
  failure: LogError | null;
  /** When that is logged, monotonic; null when it was, or need not be. */
  tellAtMs: number | null;
  /** Another broker leads it, or nobody needs it: what is still opening is to be closed. */
  released: boolean;
  /** Null once it was opened, could not be, or is not needed any more. */
  takeOver: Occasion | null;
}

export function newSlot(hosted: HostedPartition, partition: Partition | null): Slot {
  const takeOver = partition === null ? new Occasion() : null;
  return { hosted, partition, failure: null, tellAtMs: null, released: false, takeOver };
}

/** Those who wait look at once, in their order, and so before anybody who asks later. */
export function endTakeOver(slot: Slot): void {
  const { takeOver } = slot;
  slot.takeOver = null;
  takeOver?.end();
}
