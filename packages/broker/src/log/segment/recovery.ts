// Opens a log, and repairs it after a crash.
//
// 1. Below the checkpoint nothing is cut, moved or removed. Damaged or lost batches stay a hole:
//    reads of those offsets fail with `corrupt`.
// 2. Above the checkpoint the log ends before the first batch that is not intact: the batches after
//    it were never acknowledged, or not synced. Later segments are set aside, not deleted.
// 3. The batches that recovery keeps are synced before they can be read. Otherwise a second crash
//    could lose them while batches appended after them survive.
// 4. After a failed write or sync the cache may show batches that are not on the disk, and a later
//    sync succeeds without them. So these are written once more before they are synced.
import { join } from "node:path";
import type { File } from "../../env/env.ts";
import { isDiskFull } from "../../util/os-error.ts";
import { SCAN_CHUNK_BYTES } from "../limits.ts";
import { correctAllWrittenAt } from "../written-at.ts";
import { BatchScanner } from "./batch-scanner.ts";
import { type LogCheckpoint, readCheckpoint } from "./checkpoint.ts";
import {
  CHECKPOINT_FILE,
  DELETED_FILE_SUFFIX,
  parseLogFileName,
  TEMPORARY_SUFFIX,
} from "./file-names.ts";
import { type FoundProducerFiles, producerFilesIn } from "./producer-files.ts";
import { Segment } from "./segment.ts";
import { SegmentIndex } from "./segment-index.ts";
import { keepCutBatches, setAside } from "./set-aside.ts";
import type { Store } from "./store.ts";
import { finishSwaps } from "./swap.ts";

export interface Recovered {
  readonly segments: Segment[];
  readonly startOffset: number;
  readonly endOffset: number;
  readonly maxTimestamp: number;
  readonly saved: LogCheckpoint | null;
  /** Whether batches above the checkpoint were found, or something was cut. */
  readonly changed: boolean;
  /** Whether something below the checkpoint is gone. */
  readonly loss: boolean;
  readonly producerFiles: FoundProducerFiles;
}

/** From where on the bytes of a log may be in the cache only, though a sync of them succeeds. */
export interface Doubt {
  /** Base offset of the first such segment. */
  readonly segment: number;
  readonly position: number;
}

/** Everything above the checkpoint. */
export const ALL_UNSAVED: Doubt = { segment: 0, position: 0 };

interface ScanFrom extends LogCheckpoint {
  readonly doubt: Doubt | null;
}

interface Progress {
  endOffset: number;
  maxTimestamp: number;
  changed: boolean;
  loss: boolean;
  scannedBytes: number;
  cutBytes: number;
}

export async function recoverLog(
  store: Store,
  name: string,
  directory: string,
  indexIntervalBytes: number,
  doubt: Doubt | null,
): Promise<Recovered> {
  if (!store.startsClean || doubt !== null) await store.fs.syncDirectory(directory);
  const listed = await store.fs.list(directory);
  const files = await finishSwaps(store, name, directory, listed);
  const found = await findSegments(store, directory, files);
  const saved = files.includes(CHECKPOINT_FILE)
    ? await loadCheckpoint(store, name, directory)
    : null;
  const startOffset = saved?.startOffset ?? found[0]?.baseOffset ?? 0;
  const from = { ...(saved ?? scanEverything(startOffset)), doubt };
  const progress: Progress = {
    endOffset: from.recoveryOffset,
    maxTimestamp: from.maxTimestamp,
    ...{ changed: false, loss: false, scannedBytes: 0, cutBytes: 0 },
  };
  const segments: Segment[] = [];
  for (const [i, segment] of found.entries()) {
    if (await isTrimmed(store, segment, found[i + 1], startOffset)) continue;
    if (segment.baseOffset < from.recoverySegment) {
      segments.push(segment);
      continue;
    }
    if (segment.baseOffset > progress.endOffset) {
      await setAside(store, name, found.slice(i));
      progress.changed = true;
      break;
    }
    segments.push(segment);
    if (!(await recoverSegment(store, name, segment, from, indexIntervalBytes, progress))) {
      await setAside(store, name, found.slice(i + 1));
      break;
    }
  }
  await endWithActive(store, name, directory, segments, from, progress);
  const { endOffset, maxTimestamp, changed, loss } = progress;
  store.recovered.add(progress);
  const areCurrent = store.startsClean && doubt === null && !changed;
  const producerFiles = producerFilesIn(files, { areCurrent, areBehind: changed });
  return { segments, startOffset, endOffset, maxTimestamp, saved, changed, loss, producerFiles };
}

async function findSegments(
  store: Store,
  directory: string,
  files: readonly string[],
): Promise<Segment[]> {
  const nowMs = store.env.clock.wallMs();
  const segments = files.map(async (file): Promise<Segment | null> => {
    if (file.endsWith(TEMPORARY_SUFFIX)) await store.fs.remove(join(directory, file));
    if (file.endsWith(DELETED_FILE_SUFFIX)) await store.removals.goOn(join(directory, file));
    const baseOffset = parseLogFileName(file);
    if (baseOffset === null) return null;
    const stat = await store.fs.stat(join(directory, file));
    const times = { seenAtMs: nowMs, writtenAtMs: stat?.modifiedMs ?? nowMs };
    return new Segment(directory, baseOffset, stat?.sizeBytes ?? 0, times);
  });
  // The names are sorted, and have leading zeros, so the base offsets are sorted too.
  const found = (await Promise.all(segments)).filter((segment) => segment !== null);
  correctAllWrittenAt(found);
  return found;
}

async function loadCheckpoint(store: Store, name: string, directory: string) {
  const saved = await readCheckpoint(store.fs, directory);
  if (saved !== "damaged") return saved;
  store.report(`log ${name}: the checkpoint is damaged, so the whole log is scanned`);
  return null;
}

/** Without a checkpoint every batch must be checked. */
function scanEverything(baseOffset: number): LogCheckpoint {
  return {
    startOffset: baseOffset,
    recoveryOffset: baseOffset,
    recoverySegment: baseOffset,
    recoveryPosition: 0,
    maxTimestamp: -1,
  };
}

/** Removes a segment below the log's start, which `deleteBefore` did not get to before a crash. */
async function isTrimmed(
  store: Store,
  segment: Segment,
  next: Segment | undefined,
  startOffset: number,
): Promise<boolean> {
  if (!next || next.baseOffset > startOffset) return false;
  await segment.removeFiles(store);
  return true;
}

/** Scans a segment's batches above the checkpoint. False when the log must end in this segment. */
async function recoverSegment(
  store: Store,
  name: string,
  segment: Segment,
  from: ScanFrom,
  indexIntervalBytes: number,
  progress: Progress,
): Promise<boolean> {
  const isFirst = segment.baseOffset === from.recoverySegment;
  const position = isFirst ? from.recoveryPosition : 0;
  if (segment.sizeBytes < position) {
    progress.loss = true;
    store.report(
      `log ${name}: segment ${segment.name} lost ${position - segment.sizeBytes} bytes of ` +
        `acknowledged batches below offset ${from.recoveryOffset}`,
    );
    return true;
  }
  if (segment.sizeBytes === position) return true;
  progress.changed = true;
  segment.index = await indexBelow(store, segment, position, progress.endOffset);
  const wholeBytes = await scan(store, segment, position, indexIntervalBytes, progress);
  const tornBytes = segment.sizeBytes - wholeBytes;
  progress.scannedBytes += segment.sizeBytes - position;
  progress.cutBytes += tornBytes;
  segment.sizeBytes = wholeBytes;
  await store.files.use(segment.logPath, async (file) => {
    if (tornBytes > 0) {
      await keepCutBatches(store, name, segment, file, tornBytes, progress.endOffset);
      await file.truncate(wholeBytes);
    }
    await rewrite(file, Math.max(position, doubtIn(segment, from.doubt)), wholeBytes);
    await file.sync();
  });
  await saveIndexIfRoom(store, segment);
  if (tornBytes === 0) return true;
  store.report(
    `log ${name}: cut ${tornBytes} bytes of unfinished writes off segment ${segment.name}, ` +
      `the log ends at offset ${progress.endOffset}`,
  );
  return false;
}

function doubtIn({ baseOffset }: Segment, doubt: Doubt | null): number {
  if (doubt === null || baseOffset < doubt.segment) return Number.POSITIVE_INFINITY;
  return baseOffset === doubt.segment ? doubt.position : 0;
}

async function rewrite(file: File, from: number, end: number): Promise<void> {
  if (from >= end) return;
  const chunk = new Uint8Array(Math.min(SCAN_CHUNK_BYTES, end - from));
  for (let at = from; at < end; at += chunk.byteLength) {
    const count = await file.read(chunk.subarray(0, end - at), at);
    await file.write([chunk.subarray(0, count)], at);
  }
}

/** A full disk is no error: the index is in memory, and is rebuilt when its files are missing. */
async function saveIndexIfRoom(store: Store, segment: Segment): Promise<void> {
  try {
    await segment.index?.save(store.fs, segment.directory, segment.name);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    await store.disk.noticed(error);
  }
}

/** The index of the batches below `position`; null, to be rebuilt later, if the files lack it. */
async function indexBelow(
  store: Store,
  segment: Segment,
  position: number,
  endOffset: number,
): Promise<SegmentIndex | null> {
  if (position === 0) return new SegmentIndex();
  const relativeEnd = endOffset - segment.baseOffset;
  return SegmentIndex.load(store.fs, segment.directory, segment.name, position, relativeEnd, true);
}

/** Walks intact batches from `position`; returns the position where the last one ends. */
async function scan(
  store: Store,
  segment: Segment,
  position: number,
  indexIntervalBytes: number,
  progress: Progress,
): Promise<number> {
  return store.files.use(segment.logPath, async (file) => {
    const scanner = new BatchScanner(file, position, segment.sizeBytes, SCAN_CHUNK_BYTES);
    while ((await scanner.look(progress.endOffset)) === "batch" && (await scanner.intact())) {
      const { position: at, sizeBytes, nextOffset, maxTimestamp } = scanner;
      const last = nextOffset - 1 - segment.baseOffset;
      segment.index?.note(last, at, sizeBytes, maxTimestamp, indexIntervalBytes);
      progress.endOffset = nextOffset;
      progress.maxTimestamp = Math.max(progress.maxTimestamp, maxTimestamp);
      scanner.advance();
    }
    return scanner.position;
  });
}

/** The active segment must end where the log ends. If it lost batches, a new one is created. */
async function endWithActive(
  store: Store,
  name: string,
  directory: string,
  segments: Segment[],
  from: LogCheckpoint,
  progress: Progress,
): Promise<void> {
  const last = segments.at(-1);
  const isWhole =
    last !== undefined &&
    (last.baseOffset > from.recoverySegment ||
      (last.baseOffset === from.recoverySegment && last.sizeBytes >= from.recoveryPosition));
  if (isWhole) return;
  if (from.recoveryOffset > from.startOffset && !last) {
    progress.loss = true;
    store.report(`log ${name}: all segments with offsets below ${from.recoveryOffset} are missing`);
  }
  progress.changed = true;
  segments.push(await Segment.create(store, directory, progress.endOffset));
  await store.fs.syncDirectory(directory);
}
