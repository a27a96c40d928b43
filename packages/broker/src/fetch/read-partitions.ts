import { ErrorCode, NO_LEADER_EPOCH } from "@tarpan/protocol";
import type { AbortedTransaction } from "../partition/aborted-transactions.ts";
import { readFailureOf } from "../partition/log-failure.ts";
import { Partition } from "../partition/partition.ts";
import type { PendingChanges } from "../partition/pending-changes.ts";
import { readForConsumer } from "../partition/read-for-consumer.ts";
import type { ReadablePartition } from "../partition/readable-partition.ts";
import type { PendingLatch } from "../util/latch.ts";
import type { FetchPlan, FetchSession, WantedPartition } from "./fetch-sessions.ts";
import { findReadable, type ReadSource } from "./find-readable.ts";
import type { QuietPartitions } from "./quiet-partitions.ts";

/** The result of a fetch for one partition. */
export interface PartitionRead {
  readonly wanted: WantedPartition;
  readonly errorCode: ErrorCode;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly records: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** Transactions whose records among these a read_committed consumer must leave out. */
  readonly aborted: readonly AbortedTransaction[];
  /**
   * Set when the consumer has read records that are not in this log (KIP-595).
   */
  readonly divergingEpoch?: { epoch: number; endOffset: number };
  readonly currentLeader?: { leaderId: number; leaderEpoch: number };
  /** Where reading can continue after a damaged range. */
  readonly resumeOffset?: number | undefined;
  /** The broker that the consumer should read this partition from (KIP-392). */
  readonly preferredReadReplica?: number;
}

/** A partition that a fetch waits for, and its high watermark before it was read. */
export interface WatchedPartition {
  readonly partition: ReadablePartition;
  readonly highWatermark: number;
}

export interface ReadLimits {
  readonly maxBytes: number;
  readonly readCommitted: boolean;
  /** The consumer's rack, "" when it has none. */
  readonly rack: string;
  /** Null when there are no ACLs. */
  readonly mayRead: ((topic: string) => boolean) | null;
}

export interface Reads {
  readonly reads: readonly PartitionRead[];
  readonly sizeBytes: number;
  /** Without those that are quiet. */
  readonly watched: readonly WatchedPartition[];
  /** The events after which a refused partition may be readable. */
  readonly latches: readonly PendingLatch[];
}

/**
 * Reads partitions in order until the response is full. The first one with data gives at least one
 * batch, however large (KIP-74), so that a consumer always makes progress. In an incremental fetch
 * the session's quiet partitions are passed over: their response would be left out.
 */
export async function readPartitions(
  source: ReadSource,
  { wanted, session, incremental }: FetchPlan,
  nameOf: (wanted: WantedPartition) => string | null,
  { maxBytes, readCommitted, rack, mayRead }: ReadLimits,
  pending: PendingChanges,
): Promise<Reads> {
  const latches: PendingLatch[] = [];
  const reads: PartitionRead[] = [];
  const watched: WatchedPartition[] = [];
  let sizeBytes = 0;
  const quiet = incremental ? quietIn(session, source, rack) : null;
  for (const one of quiet === null ? wanted.values() : quiet.loud()) {
    const name = nameOf(one);
    if (name !== null && mayRead !== null && !mayRead(name)) {
      reads.push(failedRead(one, ErrorCode.TOPIC_AUTHORIZATION_FAILED));
      continue;
    }
    const look = findReadable(source, name, one.partition);
    const partition = look instanceof Promise ? await look : look;
    if (typeof partition === "number") {
      addLatch(latches, pending, name, one, partition);
      reads.push(failedRead(one, partition));
      continue;
    }
    const isLed = partition instanceof Partition;
    const near = isLed ? (source.followers?.nearest(name!, one.partition, rack) ?? null) : null;
    watched.push({ partition, highWatermark: partition.highWatermark });
    const end = readCommitted ? partition.lastStableOffset : partition.highWatermark;
    const refused = validate(source, partition, one) ?? redirected(partition, one, near);
    if (refused !== null) addLatch(latches, pending, name, one, refused.errorCode);
    const budget = Math.min(one.maxBytes, maxBytes - sizeBytes);
    if (refused !== null || one.fetchOffset >= end || (budget <= 0 && sizeBytes > 0)) {
      const read = refused ?? found(partition, one, NO_RECORDS, 0);
      reads.push(read);
      if (quiet !== null && isLed && refused === null && one.fetchOffset >= end && isTold(read)) {
        quiet.makeQuiet(one, partition);
      }
      continue;
    }
    const read = await readOne(partition, one, {
      ...{ maxBytes: budget, end, readCommitted, mayExceed: sizeBytes === 0 },
    });
    sizeBytes += read.sizeBytes;
    reads.push(read);
  }
  return { reads, sizeBytes, watched, latches };
}

/**
 * Null if partitions may not be passed over: which replica is near may change without an event, and
 * an isolated broker has to refuse.
 */
function quietIn(
  session: FetchSession | null,
  { partitions, followers }: ReadSource,
  rack: string,
): QuietPartitions<WantedPartition> | null {
  const mayRedirect = followers !== undefined && rack !== "";
  return session === null || mayRedirect || !partitions.isServing ? null : session.quiet;
}

/** Whether the consumer knows the partition's offsets. */
export function isTold({ wanted, highWatermark, logStartOffset }: PartitionRead): boolean {
  return highWatermark === wanted.toldHighWatermark && logStartOffset === wanted.toldLogStartOffset;
}

function redirected(
  partition: ReadablePartition,
  wanted: WantedPartition,
  near: number | null,
): PartitionRead | null {
  if (near === null) return null;
  return { ...found(partition, wanted, NO_RECORDS, 0), preferredReadReplica: near };
}

interface ReadBounds {
  readonly maxBytes: number;
  /** Whether one batch may be larger. */
  readonly mayExceed: boolean;
  readonly end: number;
  readonly readCommitted: boolean;
}

async function readOne(
  partition: ReadablePartition,
  wanted: WantedPartition,
  { maxBytes, mayExceed, end, readCommitted }: ReadBounds,
): Promise<PartitionRead> {
  try {
    const { fetchOffset } = wanted;
    const limit = Math.max(maxBytes, 0);
    const { batches, sizeBytes } = await readForConsumer(partition, fetchOffset, limit, end);
    if (sizeBytes > maxBytes && !mayExceed) return found(partition, wanted, NO_RECORDS, 0);
    partition.traffic.bytesOut += sizeBytes;
    const read = found(partition, wanted, batches, sizeBytes);
    if (!readCommitted) return read;
    return { ...read, aborted: partition.abortedIn(batches, fetchOffset) };
  } catch (error) {
    const { errorCode, resumeOffset } = readFailureOf(error);
    return { ...failedRead(wanted, errorCode), resumeOffset };
  }
}

/** Checks epoch and offset; null when the partition can be read. */
function validate(
  source: ReadSource,
  partition: ReadablePartition,
  wanted: WantedPartition,
): PartitionRead | null {
  const epochError = validateLeaderEpoch(partition, wanted.currentLeaderEpoch);
  if (epochError !== ErrorCode.NONE) {
    const { leaderEpoch } = partition;
    const currentLeader = { leaderId: source.partitions.nodeId, leaderEpoch };
    return { ...failedRead(wanted, epochError), currentLeader };
  }
  const { fetchOffset, lastFetchedEpoch } = wanted;
  if (fetchOffset < partition.log.startOffset)
    return failedRead(wanted, ErrorCode.OFFSET_OUT_OF_RANGE);
  if (lastFetchedEpoch >= 0) {
    const end = partition.endOfEpoch(lastFetchedEpoch);
    if (end.epoch === NO_LEADER_EPOCH) return failedRead(wanted, ErrorCode.OFFSET_OUT_OF_RANGE);
    if (end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
      return { ...found(partition, wanted, NO_RECORDS, 0), divergingEpoch: end };
    }
  }
  if (fetchOffset <= partition.highWatermark) return null;
  return failedRead(wanted, ErrorCode.OFFSET_OUT_OF_RANGE);
}

/** Compares the consumer's leader epoch with this broker's (KIP-320). -1 means none. */
export function validateLeaderEpoch(
  partition: Pick<ReadablePartition, "leaderEpoch">,
  claimed: number,
): ErrorCode {
  if (claimed < 0 || claimed === partition.leaderEpoch) return ErrorCode.NONE;
  return claimed < partition.leaderEpoch
    ? ErrorCode.FENCED_LEADER_EPOCH
    : ErrorCode.UNKNOWN_LEADER_EPOCH;
}

function found(
  partition: ReadablePartition,
  wanted: WantedPartition,
  records: readonly Uint8Array[],
  sizeBytes: number,
): PartitionRead {
  return {
    wanted,
    errorCode: ErrorCode.NONE,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.log.startOffset,
    records,
    sizeBytes,
    aborted: NO_TRANSACTIONS,
  };
}

function addLatch(
  all: PendingLatch[],
  pending: PendingChanges,
  name: string | null,
  { partition }: WantedPartition,
  errorCode: ErrorCode,
): void {
  const latch = pending.latchFor(name, partition, errorCode);
  if (latch !== null) all.push(latch);
}

export function failedRead(wanted: WantedPartition, errorCode: ErrorCode): PartitionRead {
  const none = { highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 };
  const nothing = { records: NO_RECORDS, sizeBytes: 0, aborted: NO_TRANSACTIONS };
  return { wanted, errorCode, ...none, ...nothing };
}

const NO_RECORDS: readonly Uint8Array[] = [];
const NO_TRANSACTIONS: readonly AbortedTransaction[] = [];
