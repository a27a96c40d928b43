// Puts a compacted segment in the place of those that it was made of (Kafka's replaceSegments).
//
// 1. The new segment's file is whole and synced before it is renamed to `.swap`. From this rename
//    on it counts: recovery finishes what a crash has interrupted.
// 2. It ends where the last one that it replaces ended, so that recovery knows which they are.
// 3. While readers use it, its file is open under one of its names.
// 4. The log's checkpoint is past it: what recovery scans is never compacted.
import { join } from "node:path";
import type { FileSystem } from "../../env/env.ts";
import { isDiskFull, reasonOf } from "../../util/os-error.ts";
import { HEADER_CHUNK_BYTES } from "../limits.ts";
import { BatchScanner } from "./batch-scanner.ts";
import {
  CLEANED_SUFFIX,
  CUT_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  parseLogFileName,
  SWAP_SUFFIX,
  segmentName,
  TIME_INDEX_SUFFIX,
} from "./file-names.ts";
import type { LogState } from "./log-state.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

/**
 * Replaces `olds`, which must be part of the log. Call it with no sync or checkpoint beside it. A
 * failure takes the log offline, because only the directory can tell what was done; the next
 * opening looks there, and finishes the work. If the disk is full for the first rename, nothing
 * has changed.
 */
export async function swapIn(
  store: Store,
  state: LogState,
  olds: readonly Segment[],
  cleaned: Segment,
): Promise<void> {
  const { fs, files, removals } = store;
  const { directory } = state;
  const path = join(directory, cleaned.name + LOG_SUFFIX);
  let isRenamed = false;
  try {
    await fs.rename(path + CLEANED_SUFFIX, cleaned.logPath);
    isRenamed = true;
    await fs.syncDirectory(directory);
    state.replace(olds, cleaned);
    for (const old of olds) store.indexes.forget(old);
    await files.use(cleaned.logPath, async () => {
      for (const old of olds) {
        await files.forget(old.logPath);
        await old.saving;
        // Also the first one: a rename over a large file would free it at once.
        await removals.remove(old.logPath, 0, (name) => files.released(name));
        await removeIndexes(fs, directory, old.name);
      }
      await fs.syncDirectory(directory);
      await fs.rename(cleaned.logPath, path);
      void files.forget(path);
      cleaned.suffix = "";
    });
    await files.forget(path + SWAP_SUFFIX);
    await fs.syncDirectory(directory);
  } catch (error) {
    if (!isRenamed && isDiskFull(error)) throw error;
    throw state.fail("cannot put a compacted segment in its place", error);
  }
  // Missing files are only written again later.
  await cleaned.index?.save(fs, directory, cleaned.name).catch((error: unknown) => {
    store.report(`log ${state.name}: cannot write an index: ${reasonOf(error)}`);
  });
  store.indexes.used(cleaned);
}

/** Finishes or undoes what a crash interrupted. `names` are the directory's files. */
export async function finishSwaps(
  store: Store,
  name: string,
  directory: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const isUnfinished = (file: string) => file.endsWith(CLEANED_SUFFIX) || isSwap(file);
  if (!names.some(isUnfinished)) return names;
  for (const file of names) {
    if (file.endsWith(CLEANED_SUFFIX)) await store.fs.remove(join(directory, file));
    else if (isSwap(file)) await finishSwap(store, name, directory, file, names);
  }
  await store.fs.syncDirectory(directory);
  return store.fs.list(directory);
}

function isSwap(file: string): boolean {
  return file.endsWith(LOG_SUFFIX + SWAP_SUFFIX);
}

async function finishSwap(
  store: Store,
  name: string,
  directory: string,
  file: string,
  names: readonly string[],
): Promise<void> {
  const { fs } = store;
  const path = join(directory, file);
  const finalName = file.slice(0, -SWAP_SUFFIX.length);
  const baseOffset = parseLogFileName(finalName)!;
  const endOffset = await endOf(fs, path, baseOffset);
  if (endOffset === null) {
    await fs.rename(path, path + CUT_SUFFIX);
    store.report(
      `log ${name}: the compacted segment ${file} is damaged; it is kept as ${path}.cut`,
    );
    return;
  }
  for (const other of names) {
    const base = parseLogFileName(other);
    if (base === null || base < baseOffset || base >= endOffset) continue;
    await store.removals.remove(join(directory, other), 0);
    await removeIndexes(fs, directory, segmentName(base));
  }
  await fs.syncDirectory(directory);
  await fs.rename(path, join(directory, finalName));
}

/** Where the batches of a segment file end; null when one of them is damaged. */
async function endOf(fs: FileSystem, path: string, baseOffset: number): Promise<number | null> {
  const file = await fs.open(path, { readOnly: true });
  try {
    const scanner = new BatchScanner(file, 0, await file.sizeBytes(), HEADER_CHUNK_BYTES);
    let endOffset = baseOffset;
    for (;;) {
      const step = await scanner.look(endOffset);
      if (step !== "batch") return step === "end" ? endOffset : null;
      endOffset = scanner.nextOffset;
      scanner.advance();
    }
  } finally {
    await file.close();
  }
}

async function removeIndexes(fs: FileSystem, directory: string, name: string): Promise<void> {
  for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX]) {
    await fs.remove(join(directory, name + suffix));
  }
}
