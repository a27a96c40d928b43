import type { Compactor } from "./compaction/compactor.ts";
import type { LogError } from "./log-error.ts";

/**
 * The log: the one interface to everything durable. Engines know record batches and offsets, but
 * no topic configs, groups or transactions.
 *
 * Invariants that every engine keeps (the contract suite checks them):
 * 1. Offsets are covered: a batch starts where the previous one ended. Compaction removes records,
 *    but no offsets: a batch keeps its first and last one, and may have no record left (ADR 34).
 * 2. Appends take effect in call order; `nextOffset` moves within the call, `endOffset` when the
 *    append is as durable as the engine was configured to make it.
 * 3. Readers never see past `endOffset`, and never see part of a batch.
 * 4. An append that resolved survives a crash; one that did not may survive or not.
 * 5. After a failed write the log is offline: every later append and every pending one rejects,
 *    because what reached the disk is unknown until it is opened again. The one exception is a
 *    full disk: the write is rolled back and appends may succeed again once space returns.
 */
export interface ReadableLog {
  /** The first offset a reader may ask for. */
  readonly startOffset: number;
  /** One past the last readable offset (the high watermark of a single-broker log). */
  readonly endOffset: number;
  /** No record has a larger timestamp, ms; a deleted record may have had it. -1 when empty. */
  readonly maxTimestamp: number;
  /** Bytes of record batches held. */
  readonly sizeBytes: number;
  /** Ranges of offsets, found so far, that are damaged or missing. */
  readonly damagedRanges: number;
  /** Set once the log went offline (invariant 5). */
  readonly failure: LogError | null;

  /**
   * Whole batches, beginning with the one that holds `offset`: at most `maxBytes` but at least one,
   * and none that begins at or past `upTo` (default: `endOffset`). Empty when `offset` is the end.
   * The slices are shared and must not be changed. Rejects with LogError: `out-of-range`, `corrupt`
   * (only for the damaged range; reading can continue at `resumeOffset`) or `offline`.
   */
  read(offset: number, maxBytes: number, upTo?: number): Promise<readonly Uint8Array[]>;

  /**
   * The first offset at or after `from` (default: `startOffset`) in the first batch that has such
   * an offset and a max timestamp at or after `timestamp`, ms; null when there is none.
   */
  offsetAt(timestamp: number, from?: number): Promise<number | null>;

  /** The newest checkpoint; null when there is none, or the log no longer holds its offset. */
  loadCheckpoint(): Promise<{ offset: number; state: Uint8Array } | null>;

  /** Options may change while the log is open (topic configs are dynamic). */
  configure(options: Partial<LogOptions>): void;

  /** Finishes what is pending, makes everything durable, and releases files. */
  close(): Promise<void>;
}

/** A log that can be written. */
export interface Log extends ReadableLog {
  /** The offset of the next append: `endOffset` plus the offsets of appends in flight. */
  readonly nextOffset: number;

  /**
   * Appends one whole, validated record batch and takes ownership of its bytes: the engine stamps
   * base offset and leader epoch into it in place. Resolves to the base offset once durable.
   * Rejects with LogError: `disk-full` (rolled back, try again later), `too-large` (it got no
   * offset), `fenced`, `unknown`, `offline` or `closed`.
   */
  append(batch: Uint8Array, leaderEpoch: number): Promise<number>;

  /**
   * Only where another broker can take over the log: resolves once it is certain that none had
   * taken over before the call, rejects with LogError otherwise.
   */
  confirm?(): Promise<void>;

  /** For `cleanup.policy=compact`. */
  readonly compactor: Compactor;

  /**
   * The parts of the log that are freed one by one, oldest first; a last part without batches is
   * left out. They are found while the caller iterates. Throws LogError.
   */
  segments(): AsyncIterable<LogSegment> | Iterable<LogSegment>;

  /**
   * Only where segments are closed: closes the last one if it is older than `segmentMs`, because
   * otherwise only the next append would do that.
   */
  rollIfOld?(): Promise<void>;

  /** Makes `offset` (<= endOffset) the start of the log, durably, and frees what it can. */
  deleteBefore(offset: number): Promise<void>;

  /**
   * Saves the caller's opaque `state` as of `offset` beside the log, so that opening need not scan
   * from the start. Everything below `offset` is made durable first. Only the newest is kept.
   */
  saveCheckpoint(offset: number, state: Uint8Array): Promise<void>;

  /**
   * Only where segments are files: from now on Kafka's files of producers are kept beside them, and
   * what is there already is made right. Resolves when it is; a failure is only reported, because
   * nothing but Kafka's tools reads these files. Call it again when aborted transactions were
   * forgotten.
   */
  keepProducerFiles?(history: ProducerHistory): Promise<void>;
}

/** What a log's batches say of its producers, as Kafka writes it to files (ADR 38). */
export interface ProducerHistory {
  readonly hasProducers: boolean;
  /** A `.snapshot` file: each producer as it was at `offset`, where the log ends in this turn. */
  snapshot(offset: number): Promise<Uint8Array>;
  /** Whether `bytes` are an intact `.snapshot` file. */
  isSnapshot(bytes: Uint8Array): boolean;
  /**
   * A `.txnindex` file: the transactions that were aborted by a marker at or after `from`, and
   * before `to`. Null when there is none.
   */
  transactionIndex(from: number, to: number): Uint8Array | null;
  /** Whether `bytes` are that file. What they say of markers before `from` does not matter. */
  isTransactionIndex(bytes: Uint8Array, from: number, to: number): boolean;
}

export interface LogSegment {
  /** One past its last offset. */
  readonly endOffset: number;
  readonly sizeBytes: number;
  /**
   * When its newest record was written, wall clock, ms: the largest timestamp, but not later than
   * the last write to this segment or a later one. So a timestamp from the future, or a clock that
   * was wrong for a while, can't keep a segment for ever.
   */
  readonly newestMs: number;
}

export interface LogOptions {
  /** Bytes after which a segment is closed and the next begun. `segment.bytes`. */
  readonly segmentBytes: number;
  /** Age of a segment's first record after which the segment is closed, ms. `segment.ms`. */
  readonly segmentMs: number;
  /** Longest time by which a segment is closed earlier than that, at random, ms. Default 0. */
  readonly segmentJitterMs?: number;
  /** How long the files of a deleted segment are kept, ms. Default 0. `file.delete.delay.ms`. */
  readonly fileDeleteDelayMs?: number;
  /** Bytes of batches between two entries of the offset index. `index.interval.bytes`. */
  readonly indexIntervalBytes: number;
  /**
   * Nothing works without this log, and it is small. An append resolves only when it is as durable
   * as the engine can make it, whatever its flush setting, and a full disk must not stop it as long
   * as the engine has a reserve.
   */
  readonly essential?: boolean;
  /**
   * Clients can't go on without this log, and it is small: it may be written on a full disk too, as
   * long as the engine has more in reserve than it needs itself.
   */
  readonly usesReserve?: boolean;
  /**
   * The leader epoch of the writer. A replicated engine fences every writer with an older epoch,
   * and rejects with `fenced` when a newer one has written. Default: one above the newest epoch in
   * the log.
   */
  readonly leaderEpoch?: number;
  /**
   * Called after `endOffset` moved, with the bytes of the batches that became readable; with
   * Infinity when that is unknown, because batches are missing.
   */
  readonly onAdvance?: ((sizeBytes: number) => void) | undefined;
}

/** Names a log. The topic id distinguishes a topic from a deleted one of the same name. */
export interface LogId {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}
