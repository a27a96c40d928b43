import { join } from "node:path";
import type { FileSystem } from "../../env/env.ts";
import {
  LOG_SUFFIX,
  PARTITION_METADATA_FILE,
  segmentName,
  TEMPORARY_SUFFIX,
} from "./file-names.ts";

/** The files that `create` writes before `partition.metadata`, its last step. */
const FIRST_SEGMENT = segmentName(0) + LOG_SUFFIX;
const TEMPORARY_METADATA = PARTITION_METADATA_FILE + TEMPORARY_SUFFIX;

/**
 * The first entry of `path` that an interrupted creation of a log cannot have left there: another
 * file, a directory, or a segment with a batch. Null when `path` may be removed.
 */
export async function firstForeignEntry(fs: FileSystem, path: string): Promise<string | null> {
  if ((await fs.stat(path))?.isDirectory === false) return "a file of that name";
  for (const name of await fs.list(path)) {
    const stat = await fs.stat(join(path, name));
    const isEmptySegment = name === FIRST_SEGMENT && stat?.sizeBytes === 0;
    const isOurs = isEmptySegment || name === TEMPORARY_METADATA;
    if (!isOurs || stat?.isDirectory) return name;
  }
  return null;
}
