import type { LogError } from "./log-error.ts";

/**
 * The log: the one seam everything durable stands on. Engines know record batches and offsets,
 * never a topic config, a group or a transaction.
 *
 * Invariants every engine keeps (the contract suite checks them):
 * 1. Offsets are dense: a batch starts where the one before it ended.
 * 2. Appends take effect in call order; `nextOffset` moves within the call, `endOffset` when the
 *    append is as durable as the engine was configured to make it.
 * 3. Readers never see past `endOffset`, and never see part of a batch.
 * 4. An append that was resolved survives a crash; one that was not may or may not.
 * 5. After a failed write the log is offline: every later append and every pending one rejects,
 *    because what reached the disk is unknown until it is opened again. The one exception is a
 *    full disk: the write is rolled back and appends may succeed again once space returns.
 */
export interface ReadableLog {
  /** The first offset a reader may ask for. */
  readonly startOffset: number;
  /** One past the last readable offset (the high watermark of a single-broker log). */
  readonly endOffset: number;
  /** No record has a larger timestamp; one that was deleted may have had it. -1 when empty. */
  readonly maxTimestamp: number;
  /** Bytes of record batches held. */
  readonly sizeBytes: number;
  /** Ranges of offsets, found so far, that are damaged or missing. */
  readonly damagedRanges: number;
  /** Set once the log went offline (invariant 5). */
  readonly failure: LogError | null;

  /**
   * Whole batches from the one that holds `offset` on, at most `maxBytes` but always at least one,
   * none that begins at or past `upTo` (default: `endOffset`). Empty when `offset` is the end.
   * The slices are shared, never to be changed. Rejects with LogError: `out-of-range`,
   * `corrupt` (only the damaged range; `resumeOffset` says where reading can go on) or `offline`.
   */
  read(offset: number, maxBytes: number, upTo?: number): Promise<readonly Uint8Array[]>;

  /**
   * First offset, not below `from` (default: `startOffset`), of the first batch that has one and
   * whose max timestamp is at or after `timestamp`; null when there is none.
   */
  offsetAt(timestamp: number, from?: number): Promise<number | null>;

  /** The newest checkpoint that the log still covers, null when there is none. */
  loadCheckpoint(): Promise<{ offset: number; state: Uint8Array } | null>;

  /** Options may change while the log is open (topic configs are dynamic). */
  configure(options: Partial<LogOptions>): void;

  /** Finishes what is pending, makes everything durable, and releases files. */
  close(): Promise<void>;
}

/** A log as whoever writes it has it. */
export interface Log extends ReadableLog {
  /** The offset the next append will be given: `endOffset` plus what is in flight. */
  readonly nextOffset: number;

  /**
   * Appends one whole, validated record batch and takes ownership of its bytes: the engine stamps
   * base offset and leader epoch into it in place. Resolves to the base offset once durable.
   * Rejects with LogError: `disk-full` (rolled back, try again later), `too-large` (before it was
   * given an offset), `fenced` or `offline`.
   */
  append(batch: Uint8Array, leaderEpoch: number): Promise<number>;

  /**
   * Where others could have taken over: resolves once it is certain that nobody had when it was
   * called, rejects with LogError otherwise. Left out where nobody can.
   */
  confirm?(): Promise<void>;

  /** Makes `offset` (<= endOffset) the start of the log, durably, and frees what it can. */
  deleteBefore(offset: number): Promise<void>;

  /**
   * Keeps `state` (opaque; at most a few MiB) beside the log as what was true at `offset`, so
   * that opening need not scan from the start. Everything below `offset` is made durable first.
   * Only the newest one is kept.
   */
  saveCheckpoint(offset: number, state: Uint8Array): Promise<void>;
}

export interface LogOptions {
  /** Bytes after which a segment is closed and the next begun. `segment.bytes`. */
  readonly segmentBytes: number;
  /** Age of a segment's first record after which it is closed, ms. `segment.ms`. */
  readonly segmentMs: number;
  /** Bytes of batches between two entries of the offset index. `index.interval.bytes`. */
  readonly indexIntervalBytes: number;
  /**
   * Nothing works without this log, and it is small. An append resolves only when it is as durable
   * as the engine can make it, whatever its flush setting, and a full disk must not stop it as long
   * as the engine has a reserve.
   */
  readonly essential?: boolean;
  /**
   * The leader epoch it is opened to be written with. An engine that several brokers share fences
   * every writer of an older epoch, and rejects with `fenced` when a newer one has written.
   * Default: one above the newest epoch in the log.
   */
  readonly leaderEpoch?: number;
  /**
   * Called after `endOffset` moved, with the bytes of the batches that can be read from then on;
   * with Infinity where that isn't known, because some are missing.
   */
  readonly onAdvance?: (sizeBytes: number) => void;
}

/** Names a log. The topic id tells a topic from an older one that had its name. */
export interface LogId {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}
