import { join } from "node:path";
import type { FileSystem } from "../../env/env.ts";
import {
  LOG_SUFFIX,
  PARTITION_METADATA_FILE,
  segmentName,
  TEMPORARY_SUFFIX,
} from "./file-names.ts";

/** What `create` makes before the topic id, which makes it a log. */
const FIRST_SEGMENT = segmentName(0) + LOG_SUFFIX;
const TOPIC_ID_IN_THE_MAKING = PARTITION_METADATA_FILE + TEMPORARY_SUFFIX;

/**
 * The first thing in `path` that a broken-off creation of a log can't have left there: another
 * file, a folder, or a batch. Null when all of it may be removed.
 */
export async function firstForeign(fs: FileSystem, path: string): Promise<string | null> {
  if ((await fs.stat(path))?.isDirectory === false) return "a file of that name";
  for (const name of await fs.list(path)) {
    const stat = await fs.stat(join(path, name));
    const isEmptySegment = name === FIRST_SEGMENT && stat?.sizeBytes === 0;
    const isOurs = isEmptySegment || name === TOPIC_ID_IN_THE_MAKING;
    if (!isOurs || stat?.isDirectory) return name;
  }
  return null;
}
