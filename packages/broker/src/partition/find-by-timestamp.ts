import { decompress } from "@tarpan/codecs";
import { decodeBatch, findRecordByTimestamp } from "@tarpan/protocol";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "./limits.ts";
import { orKafkaError } from "./log-failure.ts";
import type { Partition } from "./partition.ts";
import { scanBatches } from "./scan.ts";

const OPTIONS = { decompress, maxDecompressedBytes: MAX_DECOMPRESSED_BATCH_BYTES };

interface FoundRecord {
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * The first record at or after `timestamp` (ms), from the log's start on and below `end`; null when
 * there is none. Rejects with KafkaError.
 */
export function findByTimestamp(
  partition: Partition,
  timestamp: number,
  end: number,
): Promise<FoundRecord | null> {
  return orKafkaError(search(partition, timestamp, end));
}

async function search(
  { log }: Partition,
  timestamp: number,
  end: number,
): Promise<FoundRecord | null> {
  if (timestamp < 0) return null;
  // If the log begins inside a batch, only deleted records of that batch may be late enough.
  for (let from = log.startOffset; ; ) {
    const offset = await log.offsetAt(timestamp, from);
    if (offset === null || offset >= end) return null;
    const [batch] = await log.read(offset, 1, end);
    if (batch === undefined) return null;
    const record = findRecordByTimestamp(batch, timestamp, offset, OPTIONS);
    if (record !== null) return record.offset < end ? record : null;
    from = decodeBatch(batch).header.lastOffset + 1;
  }
}

/**
 * The record with the largest timestamp, the first of several; null when none has a timestamp.
 * Rejects with KafkaError.
 */
export function findMaxTimestamp(partition: Partition, end: number): Promise<FoundRecord | null> {
  return orKafkaError(searchMax(partition, end));
}

async function searchMax(partition: Partition, end: number): Promise<FoundRecord | null> {
  const { log } = partition;
  const found = await search(partition, log.maxTimestamp, end);
  if (found !== null || log.startOffset >= end || log.maxTimestamp < 0) return found;
  // The record with the log's max timestamp was deleted or compacted away.
  const largest = await search(partition, await largestTimestamp(partition), end);
  if (largest !== null) return largest;
  // The one that an earlier scan found was, too.
  scans.delete(log);
  return search(partition, await largestTimestamp(partition), end);
}

interface Scanned {
  readonly startOffset: number;
  /** Where the scan ended. */
  readonly endOffset: number;
  readonly largest: number;
}

/** Scans are remembered, so that not every request reads the whole log. */
const scans = new WeakMap<Partition["log"], Promise<Scanned>>();

/** The largest timestamp of the records that were not deleted. */
async function largestTimestamp(partition: Partition): Promise<number> {
  const { log } = partition;
  const scanning = scanFrom(partition, scans.get(log));
  scans.set(log, scanning);
  // A failed scan is forgotten: the next one begins again.
  scanning.catch(() => scans.get(log) === scanning && scans.delete(log));
  return (await scanning).largest;
}

async function scanFrom(
  partition: Partition,
  scanned: Promise<Scanned> | undefined,
): Promise<Scanned> {
  const before = await scanned?.catch(() => undefined);
  const { log } = partition;
  const { startOffset, endOffset } = log;
  const continues = before?.startOffset === startOffset;
  // If the log begins inside a batch, the record with that batch's max timestamp may be deleted.
  let largest = continues ? before.largest : await largestInFirstBatch(partition);
  await scanBatches(
    log,
    continues ? before.endOffset : startOffset,
    ({ baseOffset, maxTimestamp, recordCount }) => {
      if (baseOffset >= startOffset && recordCount > 0) largest = Math.max(largest, maxTimestamp);
    },
  );
  return { startOffset, endOffset, largest };
}

/** The largest timestamp of the batch at the log's start, without its deleted records. */
async function largestInFirstBatch({ log }: Partition): Promise<number> {
  const { startOffset } = log;
  const [batch] = await log.read(startOffset, 1);
  let largest = -1;
  if (batch === undefined) return largest;
  for (const { offset, timestamp } of decodeBatch(batch, OPTIONS).records()) {
    if (offset >= startOffset) largest = Math.max(largest, timestamp);
  }
  return largest;
}
