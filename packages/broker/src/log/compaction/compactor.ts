import type { CleaningRun } from "./batch-cleaner.ts";
import type { CleaningWork } from "./cleaning-work.ts";

/** How much of a log compaction could work on. */
export interface Dirt {
  /** Bytes that earlier runs have compacted. */
  readonly cleanBytes: number;
  /** Bytes after them that a run would compact now. */
  readonly dirtyBytes: number;
  /** Max timestamp of the first batch of the oldest dirty segment, ms; null when it has none. */
  readonly oldestMs: number | null;
}

export interface CompactionRequest
  extends Pick<
    CleaningRun,
    "slots" | "loadFactor" | "seed" | "nowMs" | "deleteRetentionMs" | "producers" | "aborted"
  > {
  readonly minLagMs: number;
  /** Nothing from this offset on is compacted. No transaction is open before it. */
  readonly upTo: number;
  readonly work: CleaningWork;
  /** Waits as long as the limit of bytes per second demands, after that many were moved. */
  throttle(sizeBytes: number): Promise<void>;
  /** Asked again and again: false ends the run, which then has no effect on what is left. */
  isWanted(): boolean;
}

export interface CompactionResult {
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** By how much the log became smaller. */
  readonly freedBytes: number;
  /** Keys that were noted. */
  readonly keys: number;
  /** Everything before it is compacted: no aborted record is left there. */
  readonly cleanedTo: number;
  /** Whether the keys found no room, so that a part of the dirty bytes is left for later. */
  readonly isPartial: boolean;
}

/**
 * Compaction of one log: of the records with the same key only the last one stays, at its offset.
 * The newest part of the log, where appends go, is left alone.
 */
export interface Compactor {
  /** Null when there is nothing to compact. `minLagMs`: `min.compaction.lag.ms`. */
  measure(minLagMs: number, nowMs: number): Promise<Dirt | null>;
  /**
   * Compacts what `measure` found. Readers go on meanwhile. Rejects with LogError: `corrupt` when a
   * batch is damaged, `disk-full`, `offline` or `closed`; what was compacted before stays so.
   */
  compact(request: CompactionRequest): Promise<CompactionResult>;
}
