import { join } from "node:path";
import { int64At, setInt64, viewOf } from "@tarpan/protocol";
import type { FileSystem } from "../../env/env.ts";
import { CLEANER_FILE } from "./file-names.ts";
import { readSealed, replaceSealed } from "./sealed-file.ts";

const VERSION = 1;

/**
 * The first offset that no compaction has worked on; null when unknown. Without it the whole log is
 * compacted again, which changes nothing but takes longer.
 */
export async function readFirstDirty(fs: FileSystem, directory: string): Promise<number | null> {
  const payload = await readSealed(fs, join(directory, CLEANER_FILE), VERSION);
  if (payload === null || payload === "damaged" || payload.byteLength !== 8) return null;
  return int64At(viewOf(payload), 0);
}

export function writeFirstDirty(fs: FileSystem, directory: string, offset: number): Promise<void> {
  const payload = new Uint8Array(8);
  setInt64(viewOf(payload), 0, offset);
  return replaceSealed(fs, directory, CLEANER_FILE, VERSION, payload);
}
