import type { Machine } from "../env/env.ts";

/** Bytes of the newest batches kept in memory for one log. */
export const TAIL_LOG_BYTES = 4 << 20;
/** The same for all logs of an engine; the oldest batch is dropped first. */
export const TAIL_ENGINE_BYTES = 64 << 20;
/** `wantedBytes`, or else TAIL_ENGINE_BYTES, less on a machine with little memory. */
export function tailBytesOn(machine: Machine, wantedBytes?: number): number {
  return wantedBytes ?? Math.min(TAIL_ENGINE_BYTES, machine.memoryBytes() / 32);
}
/** Memory per retained batch besides its bytes, so that many tiny batches are bounded too. */
export const TAIL_ENTRY_BYTES = 200;
/** A batch is copied before it is kept if it fills less than this part of its buffer. */
export const MIN_OWNED_FRACTION = 0.5;
/** Logs that an engine lists or closes at the same time. */
export const CONCURRENT_LOGS = 64;
/** How long opening a file waits when the process has reached its limit of open files, ms. */
export const OUT_OF_FILES_TIMEOUT_MS = 10_000;
/** The waits between its retries; each is twice as long as the previous one. */
export const OUT_OF_FILES_WAIT = { firstMs: 5, longestMs: 250 };
/** How often to report that the limit of open files is reached, ms. */
export const OUT_OF_FILES_REMINDER_MS = 60_000;
/** Bytes of sealed segments' indexes kept in memory by an engine. */
export const INDEX_CACHE_BYTES = 32 << 20;
/** INDEX_CACHE_BYTES, less on a machine with little memory. */
export function indexBytesOn(machine: Machine): number {
  return Math.min(INDEX_CACHE_BYTES, machine.memoryBytes() / 64);
}
/**
 * Most bytes of batches in one write, so that the first of a long queue need not wait for all.
 */
export const WRITE_BYTES = 16 << 20;
/** Most bytes one cold read asks the disk for, unless a single batch is larger. */
export const COLD_READ_BYTES = 4 << 20;
/** Bytes that an engine reads ahead for readers that go on where they ended. */
export const READ_AHEAD_BYTES = 32 << 20;
/** READ_AHEAD_BYTES, less on a machine with little memory. */
export function readAheadBytesOn(machine: Machine): number {
  return Math.min(READ_AHEAD_BYTES, machine.memoryBytes() / 64);
}
/** How long bytes that were read ahead wait for their reader at least, ms. */
export const READ_AHEAD_KEPT_MS = 1000;
/** Bytes read at a time when a segment is walked from batch to batch. */
export const SCAN_CHUNK_BYTES = 1 << 20;
/** Bytes read at a time when only a few headers are needed. */
export const HEADER_CHUNK_BYTES = 64 << 10;
/** Ends of cold reads remembered for each log, where the next reads are likely to begin. */
export const COLD_READERS = 8;
/** Bytes of batches that compaction works on at a time, unless a single batch is larger. */
export const COMPACTION_CHUNK_BYTES = 1 << 20;
/** Bytes after which the file of a compacted segment is synced. */
export const CLEANED_SYNC_BYTES = 8 << 20;
/** Bytes of a deleted file that are freed in one step. */
export const DELETION_STEP_BYTES = 2 << 20;
/** The rest after such a step, as a multiple of how long the step took. */
export const DELETION_REST = 9;
export const DELETION_LONGEST_REST_MS = 1000;
/** How long freeing what waits may take at most; then the rests become shorter, ms. */
export const DELETION_WITHIN_MS = 10_000;
/** Snapshots of a log's producers in memory at a time; a segment begun meanwhile goes without. */
export const MAX_SNAPSHOTS_UNDER_WAY = 4;
/** Size of the reserve file, which lets a broker start and delete data on a full disk. */
export const DISK_RESERVE_BYTES = 1 << 20;
/** The part of it that no log but an essential one may use. */
export const DISK_ESSENTIAL_BYTES = 512 << 10;
/** How often a full disk is checked for free space, ms. */
export const DISK_CHECK_INTERVAL_MS = 1000;
/** How often to report that a log's files can't be read, ms: clients try again and again. */
export const READ_FAILURE_REMINDER_MS = 60_000;
/** How often to report that the disk is full, ms. */
export const DISK_REMINDER_INTERVAL_MS = 60_000;
/** Largest size of a batch when compaction decompresses it: produce accepts none that is larger. */
export const MAX_CLEANED_BATCH_BYTES = 64 * 1024 * 1024;
/** How long the thread of compaction waits for another run before it ends, ms. */
export const CLEANER_THREAD_IDLE_MS = 60_000;
