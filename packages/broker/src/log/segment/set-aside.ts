// Keeps what recovery takes out of a log, so that the operator can examine it.
import type { File } from "../../env/env.ts";
import { SCAN_CHUNK_BYTES } from "../limits.ts";
import { findBatch } from "./batch-search.ts";
import { CUT_SUFFIX } from "./file-names.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

/** Renames segments so that they no longer belong to the log. */
export async function setAside(
  store: Store,
  name: string,
  segments: readonly Segment[],
): Promise<void> {
  for (const segment of segments) {
    const { logPath, sizeBytes } = segment;
    // A later segment may get the same name, which must not find this one's index.
    await segment.removeIndex(store);
    await store.files.forget(logPath);
    const aside = await freePath(store, logPath);
    await store.fs.rename(logPath, aside);
    store.report(
      `log ${name}: a segment of ${sizeBytes} bytes does not continue the batches before it; ` +
        `it is not used, and kept as ${aside}`,
    );
  }
  if (segments[0]) await store.fs.syncDirectory(segments[0].directory);
}

/** A name that no file has, because files kept after earlier crashes must not be overwritten. */
async function freePath(store: Store, path: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const free = path + (attempt === 0 ? "" : `.${attempt}`) + CUT_SUFFIX;
    if ((await store.fs.stat(free)) === null) return free;
  }
}

/**
 * Copies the end of a segment that is about to be cut off, if it contains an intact batch: an
 * interrupted write rarely leaves one, but behind a damaged batch there may be many.
 */
export async function keepCutBatches(
  store: Store,
  name: string,
  segment: Segment,
  file: File,
  cutBytes: number,
  endOffset: number,
): Promise<void> {
  const from = segment.sizeBytes;
  const end = from + cutBytes;
  const found = await findBatch(file, from, end, endOffset + 1, Number.POSITIVE_INFINITY);
  if (!found) return;
  const path = await freePath(store, `${segment.logPath}.${from}`);
  const copy = await store.fs.open(path, { create: true });
  try {
    const chunk = new Uint8Array(Math.min(SCAN_CHUNK_BYTES, cutBytes));
    for (let at = from; at < end; at += chunk.length) {
      const count = await file.read(chunk.subarray(0, end - at), at);
      await copy.write([chunk.subarray(0, count)], at - from);
    }
    await copy.sync();
  } finally {
    await copy.close();
  }
  await store.fs.syncDirectory(segment.directory);
  store.report(
    `log ${name}: the bytes cut off contain a batch at offset ${found.baseOffset}; ` +
      `they are kept as ${path}`,
  );
}
