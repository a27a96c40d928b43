import type { EpochStart } from "./leader-epochs.ts";
import type { ProducerSnapshot } from "./producer-states.ts";

/** What a partition knows beyond its batches, saved beside the log so that opening scans little. */
export interface PartitionCheckpoint {
  readonly producers: readonly ProducerSnapshot[];
  readonly epochs: readonly EpochStart[];
}

const FORMAT = 1;

export function encodeCheckpoint(checkpoint: PartitionCheckpoint): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...checkpoint }));
}

/** Null for a format this version doesn't know: the log is then scanned from its start. */
export function decodeCheckpoint(bytes: Uint8Array): PartitionCheckpoint | null {
  const value = JSON.parse(new TextDecoder().decode(bytes)) as PartitionCheckpoint & {
    format: number;
  };
  return value.format === FORMAT ? value : null;
}
