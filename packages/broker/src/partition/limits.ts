/** Batches remembered per producer: a client keeps at most five requests in flight (KIP-98). */
export const REMEMBERED_BATCHES_PER_PRODUCER = 5;

/** Producers remembered per partition; the least recently active one is forgotten first. */
export const MAX_PRODUCERS_PER_PARTITION = 100_000;

/** Largest message id, bytes. */
export const MAX_MESSAGE_ID_BYTES = 1024;

/** Bytes appended to a partition after which its checkpoint is saved again. */
export const CHECKPOINT_EVERY_BYTES = 128 * 1024 * 1024;

/** Entries of a checkpoint that are written or read in one turn of the event loop. */
export const ENTRIES_PER_CHUNK = 1_000;

/** How long aborted transactions are remembered after their records were removed, at least. */
export const ABORTS_KEPT_MS = 60_000;

/** Bytes read at a time while a log is scanned. */
export const SCAN_READ_BYTES = 1024 * 1024;

/** Logs opened or closed at the same time. */
export const CONCURRENT_LOG_OPENS = 64;

/** Largest size of a batch when decompressed. */
export const MAX_DECOMPRESSED_BATCH_BYTES = 64 * 1024 * 1024;

/** Batches that are compressed at the same time, in all partitions. */
export const MAX_CONCURRENT_COMPRESSIONS = 2;

/** How often offline partitions are opened again and idle producers forgotten. */
export const MAINTENANCE_INTERVAL_MS = 5_000;

/** The same for replicated logs, where most failures end with a Raft election. */
export const REPLICATED_RETRY_INTERVAL_MS = 500;

/** How long a replicated log may fail to open before that is logged as an error. */
export const REPLICATED_OFFLINE_LOG_DELAY_MS = 2_000;

/** How often to log which partitions this broker started and stopped leading. */
export const LEADERSHIP_CHANGES_INTERVAL_MS = 1_000;

/** How long closing a replicated log may wait for appends that are not acknowledged. */
export const REPLICATED_CLOSE_GRACE_MS = 2_000;

/**
 * How long a request waits for this broker to take over a partition, or to read from the metadata
 * that it leads it. A take-over lasts 0.1 s, or longer if the log's Raft group has no leader. Much
 * less than any client's time-out.
 */
export const TAKE_OVER_WAIT_MS = 2_000;

/**
 * How much longer than transaction.max.timeout.ms a transaction may be open before it is called
 * hanging: its coordinator may have had to wait for another broker.
 */
export const HANGING_MARGIN_MS = 60_000;

/** A jump of the wall clock forward, from which on retention waits before it counts. */
export const CLOCK_JUMP_MIN_MS = 60_000;

/** How long such a jump must have lasted. */
export const CLOCK_JUMP_HELD_MS = 24 * 3_600_000;
