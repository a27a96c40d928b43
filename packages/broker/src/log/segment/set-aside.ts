// What recovery takes out of a log and keeps, for an operator to look at.
import type { File } from "../../env/env.ts";
import { SCAN_CHUNK_BYTES } from "../limits.ts";
import { findBatch } from "./batch-search.ts";
import { CUT_SUFFIX } from "./file-names.ts";
import type { Segment } from "./segment.ts";
import type { Store } from "./store.ts";

/** Takes whole segments out of the log. */
export async function setAside(
  store: Store,
  name: string,
  segments: readonly Segment[],
): Promise<void> {
  for (const { logPath, sizeBytes } of segments) {
    await store.files.forget(logPath);
    const aside = await freePath(store, logPath);
    await store.fs.rename(logPath, aside);
    store.report(
      `log ${name}: a segment of ${sizeBytes} bytes does not follow on what is before it; ` +
        `set aside as ${aside}`,
    );
  }
  if (segments[0]) await store.fs.syncDirectory(segments[0].directory);
}

/** What was kept before, of an earlier crash at the same place, is kept too. */
async function freePath(store: Store, path: string): Promise<string> {
  for (let times = 0; ; times++) {
    const free = path + (times === 0 ? "" : `.${times}`) + CUT_SUFFIX;
    if ((await store.fs.stat(free)) === null) return free;
  }
}

/**
 * Copies the end of a segment that is about to be cut off, if there is an intact batch in it: a
 * write that broke off rarely leaves one, a bit that flipped does.
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
    `log ${name}: what is cut off holds a batch at offset ${found.baseOffset}; kept as ${path}`,
  );
}
