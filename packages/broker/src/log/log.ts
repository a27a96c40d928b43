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
  /** An append counts when it is on the disk, whatever the engine was told about flushing. */
  readonly alwaysDurable?: boolean;
  /** Is written also while the disk is full: it is little, and what makes room needs it. */
  readonly usesReserve?: boolean;
  /** Brokers that shall hold a replica, by Kafka's id. An engine without replicas ignores it. */
  readonly replicas?: readonly number[];
  /**
   * The leader epoch it is opened to be written with. An engine that several brokers share fences
   * every writer of an older epoch, and rejects with `fenced` when a newer one has written.
   * Default: one above the newest epoch in the log.
   */
  readonly leaderEpoch?: number;
  /**
   * Asked right before a shared log is taken over, for which its engine may have waited long: where
   * it is not wanted any more it is refused as `busy`, and whoever writes it by now goes on.
   */
  readonly isStillWanted?: () => boolean;
  /** Kept beside a shared log from its making on, for whoever follows it. */
  readonly label?: string;
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

/** Where logs are made and found. One engine per broker. */
export interface LogEngine {
  readonly kind: "memory" | "segment" | "jetstream";
  /** Makes a new, empty log, durably. Rejects with LogError `exists` when it is there already. */
  create(id: LogId, options: LogOptions): Promise<Log>;
  /** Opens a log made before. Rejects with LogError `missing`: a lost log is never made anew. */
  open(id: LogId, options: LogOptions): Promise<Log>;
  /** Deletes a log, open or not. A crash in the middle leaves nothing that could be opened. */
  delete(id: LogId): Promise<void>;
  /** Every log there is, also those nobody has opened. */
  list(): Promise<readonly LogId[]>;
  /** Whether the engine was last closed in order; false after a crash and when it is new. */
  readonly cleanlyClosed: boolean;
  /** Why nothing can be stored at the moment, one sentence; null when it can. */
  readonly problem: string | null;
  /** Null where the logs are this broker's alone. */
  readonly replication: Replication | null;
  /** Moves a log to a name under which nobody opens it, for an operator to look at. */
  setAside(id: LogId): Promise<void>;
  /**
   * Closes every open log and lets go of what was locked. Marks the engine clean, unless
   * `clean` is false: who could not finish opening must not hide that the last one had crashed.
   */
  close(options?: { clean?: boolean }): Promise<void>;
}

export type LogErrorKind =
  | "out-of-range"
  | "corrupt"
  | "disk-full"
  | "offline"
  | "missing"
  | "exists"
  | "closed"
  /** Closed while the append was under way: it may be stored or not. */
  | "unknown"
  | "fenced"
  /** One batch is larger than the engine can ever take; nothing happened. */
  | "too-large"
  /** The same is in progress already: try again later. */
  | "busy";

/**
 * What an engine adds whose logs are replicated and reached by every broker of a cluster: who makes
 * a log need not be who writes it, and whoever does not lead may follow.
 */
export interface Replication {
  /** Makes a new, empty log without opening it. Rejects with LogError `exists`. */
  provision(id: LogId, options: LogOptions): Promise<void>;
  /** Opens a log to be written under `options.leaderEpoch`; see there. */
  lead(id: LogId, options: LogOptions): Promise<LeaderLog>;
  /** Opens a log to be read only, as far as the replica that answers has it. */
  follow(id: LogId, options: LogOptions): Promise<FollowerLog>;
  /** Has these brokers hold the log; resolves when that is begun. Data moves in the background. */
  moveReplicas(id: LogId, replicas: readonly number[]): Promise<void>;
  /** Asks for the log's Raft leader to be beside `brokerId`, which must hold a replica. */
  moveRaftLeader(id: LogId, brokerId: number): Promise<void>;
  /** Where every log's replicas are, as the engine really has them; partial while it elects. */
  states(): Promise<readonly ReplicaStates[]>;
  /**
   * The broker stops: nobody waits for an election any more, and nobody at all a moment later. What
   * is answered until then still counts; an append that is not is `unknown`. Twice is once.
   */
  stopWaiting(): void;
}

export interface LeaderLog extends Log {
  readonly leaderEpoch: number;
}

/** A log that another broker writes. */
export interface FollowerLog extends ReadableLog {
  /** As it was given when the log was made, "" when it was not. */
  readonly label: string;
  /**
   * Looks for new batches now rather than at the next poll. `end`: an offset that it is known to
   * reach, so that a replica which lags is not believed.
   */
  refresh(end?: number): void;
}

/** One log's replicas. Brokers by Kafka's id; a server that is no broker's is left out. */
export interface ReplicaStates {
  readonly id: LogId;
  /** The broker beside the Raft leader; null while there is none or it is no broker's. */
  readonly raftLeader: number | null;
  /** Bytes that each replica takes, more or less. */
  readonly sizeBytes: number;
  readonly replicas: readonly {
    readonly brokerId: number;
    /** It has everything that is committed, and lives. */
    readonly current: boolean;
    /** Raft entries it lacks. */
    readonly lag: number;
  }[];
}

/** What an engine could not do. `kind` decides what a client is told; `message` what we log. */
export class LogError extends Error {
  readonly kind: LogErrorKind;
  /** For `corrupt`: the first offset past the damage. */
  readonly resumeOffset: number | undefined;

  constructor(
    kind: LogErrorKind,
    message: string,
    options: { cause?: unknown; resumeOffset?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "LogError";
    this.kind = kind;
    this.resumeOffset = options.resumeOffset;
  }

  /** Stable code of an operational error. */
  get code(): string {
    return `TARPAN_LOG_${this.kind.toUpperCase().replaceAll("-", "_")}`;
  }
}
