import type { LogId } from "../log.ts";

export const LOG_SUFFIX = ".log";
export const INDEX_SUFFIX = ".index";
export const TIME_INDEX_SUFFIX = ".timeindex";
/** A file that is being written and will be renamed; worthless after a crash. */
export const TEMPORARY_SUFFIX = ".tmp";
/** Segments that recovery cut off and kept for an operator to look at. */
export const CUT_SUFFIX = ".cut";

export const PARTITION_METADATA_FILE = "partition.metadata";
export const CHECKPOINT_FILE = "tarpan.checkpoint";
export const STATE_FILE = "tarpan.state";

/** Kafka renames a log with this suffix before it removes the files one by one. */
const DELETED_SUFFIX = "-delete";
/** Bytes a file name may have on the file systems we know. */
const MAX_NAME_BYTES = 255;

/** Path of a segment's files without their suffix, named by its first offset as Kafka does. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, "0");
}

/** First offset of the segment a `.log` file belongs to, null for any other file. */
export function parseLogFileName(name: string): number | null {
  const match = /^(\d{20})\.log$/.exec(name);
  return match ? Number(match[1]) : null;
}

export function logDirectoryName(id: LogId): string {
  return `${id.topic}-${id.partition}`;
}

export function parseLogDirectoryName(name: string): { topic: string; partition: number } | null {
  const match = /^([a-zA-Z0-9._-]{1,249})-(0|[1-9]\d{0,9})$/.exec(name);
  return match ? { topic: match[1]!, partition: Number(match[2]) } : null;
}

/** `unique` keeps apart logs of the same name deleted one after another. */
export function deletedDirectoryName(id: LogId, unique: string): string {
  return renamed(id, `.${unique}${DELETED_SUFFIX}`);
}

/** Kafka's name for a log that belongs to no topic it knows. */
export function strayDirectoryName(id: LogId, unique: string): string {
  return renamed(id, `.${unique}-stray`);
}

function renamed(id: LogId, suffix: string): string {
  return logDirectoryName(id).slice(0, MAX_NAME_BYTES - suffix.length) + suffix;
}

/** Only what `deletedDirectoryName` can have made: its like is removed without a question. */
export function isDeletedDirectoryName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name);
}
