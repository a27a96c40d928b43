import type { Machine } from "../env/env.ts";

/** Bytes of recent batches kept in memory for one log's readers at the tip. */
export const TAIL_LOG_BYTES = 4 << 20;
/** The same over all logs of an engine; the oldest batch goes first. */
export const TAIL_ENGINE_BYTES = 64 << 20;
/** As much as that where there is memory enough. */
export function tailBytesOn(machine: Machine): number {
  return Math.min(TAIL_ENGINE_BYTES, machine.memoryBytes() / 32);
}
/** What a retained batch costs besides its bytes, so that many tiny ones stay bounded too. */
export const TAIL_ENTRY_BYTES = 200;
/** A batch is copied before it is kept when it fills less than this part of its buffer. */
export const OWNED_PART = 0.5;
/** Logs that an engine looks at, or closes, at the same time. */
export const CONCURRENT_LOGS = 64;
/** For how long opening a file waits for another to be closed when no more may be open, ms. */
export const OUT_OF_FILES_PATIENCE_MS = 10_000;
/** Between two tries meanwhile; each wait is twice the one before. */
export const OUT_OF_FILES_WAIT = { firstMs: 5, longestMs: 250 };
/** How often it is said that no more files may be open, ms. */
export const OUT_OF_FILES_REMINDER_MS = 60_000;
/** Bytes of sealed segments' indexes kept in memory by an engine. */
export const INDEX_CACHE_BYTES = 32 << 20;
/** As much as that where there is memory enough. */
export function indexBytesOn(machine: Machine): number {
  return Math.min(INDEX_CACHE_BYTES, machine.memoryBytes() / 64);
}
/**
 * Most bytes of batches one write takes, so that the first of a long queue need not wait for all.
 */
export const WRITE_BYTES = 16 << 20;
/** Most bytes one cold read asks the disk for, unless a single batch is larger. */
export const COLD_READ_BYTES = 4 << 20;
/** Bytes read at a time when a segment is walked from batch to batch. */
export const SCAN_CHUNK_BYTES = 1 << 20;
/** Bytes read at a time when only a few headers are looked at. */
export const HEADER_CHUNK_BYTES = 64 << 10;
/** Ends of cold reads that are remembered for each log, as a reader goes on where it ended. */
export const COLD_READERS = 8;
/** Kept free for a broker on a full disk: to start, and to delete what makes room. */
export const DISK_RESERVE_BYTES = 1 << 20;
/** How often a full disk is looked at for room, ms. */
export const DISK_LOOK_INTERVAL_MS = 1000;
/** How often it is said that the disk is full, ms. */
export const DISK_REMINDER_INTERVAL_MS = 60_000;
