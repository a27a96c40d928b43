import type { LogId } from "../log.ts";

export const LOG_SUFFIX = ".log";
export const INDEX_SUFFIX = ".index";
export const TIME_INDEX_SUFFIX = ".timeindex";
/** Kafka's snapshot of producers as of the offset in its name. */
export const SNAPSHOT_SUFFIX = ".snapshot";
/** Kafka's index of the aborted transactions of a segment. */
export const TXN_INDEX_SUFFIX = ".txnindex";
/** A file that is being written and will be renamed; recovery deletes it. */
export const TEMPORARY_SUFFIX = ".tmp";
/** A compacted segment that is being written; recovery deletes it. As in Kafka. */
export const CLEANED_SUFFIX = ".cleaned";
/** A compacted segment that takes the place of others; recovery finishes that. As in Kafka. */
export const SWAP_SUFFIX = ".swap";
/** A file of a deleted segment, renamed as in Kafka until it is removed; a start removes it. */
export const DELETED_FILE_SUFFIX = ".deleted";
/** Segments, or ends of segments, that recovery took out of a log and kept for the operator. */
export const CUT_SUFFIX = ".cut";

export const PARTITION_METADATA_FILE = "partition.metadata";
export const CHECKPOINT_FILE = "tarpan.checkpoint";
export const STATE_FILE = "tarpan.state";
export const CLEANER_FILE = "tarpan.cleaner";

/** Kafka renames a log with this suffix before it removes the files one by one. */
const DELETED_SUFFIX = "-delete";
/** Longest file name, in bytes, that common file systems allow. */
const MAX_NAME_BYTES = 255;

/** Name of a segment's files without their suffix: its base offset, as in Kafka. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, "0");
}

/** Base offset in the name of a `.log` file, null for any other file. */
export function parseLogFileName(name: string): number | null {
  return offsetIn(name, LOG_SUFFIX);
}

/** The offset in the name of a file of that kind, null for any other file. */
export function offsetIn(name: string, suffix: string): number | null {
  const isOfKind = name.length === 20 + suffix.length && name.endsWith(suffix);
  return isOfKind && /^\d{20}\./.test(name) ? Number(name.slice(0, 20)) : null;
}

export function logDirectoryName(id: LogId): string {
  return `${id.topic}-${id.partition}`;
}

export function parseLogDirectoryName(name: string): { topic: string; partition: number } | null {
  const match = /^([a-zA-Z0-9._-]{1,249})-(0|[1-9]\d{0,9})$/.exec(name);
  return match ? { topic: match[1]!, partition: Number(match[2]) } : null;
}

/** `unique` tells deleted logs of the same name apart. */
export function deletedDirectoryName(id: LogId, unique: string): string {
  return renamed(id, `.${unique}${DELETED_SUFFIX}`);
}

/** Kafka's name for the log of an unknown topic. */
export function strayDirectoryName(id: LogId, unique: string): string {
  return renamed(id, `.${unique}-stray`);
}

function renamed(id: LogId, suffix: string): string {
  return logDirectoryName(id).slice(0, MAX_NAME_BYTES - suffix.length) + suffix;
}

/** Strict, because such a directory is removed unasked: only names of `deletedDirectoryName`. */
export function isDeletedDirectoryName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name);
}
