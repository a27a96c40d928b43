/** Batches remembered per producer: a client keeps at most five requests in flight (KIP-98). */
export const REMEMBERED_BATCHES_PER_PRODUCER = 5;

/** Producers remembered per partition; the one silent for longest is forgotten first. */
export const MAX_PRODUCERS_PER_PARTITION = 100_000;

/** Bytes appended to a partition after which its producer state is saved beside the log. */
export const CHECKPOINT_EVERY_BYTES = 128 * 1024 * 1024;

/** Producers of a checkpoint that are written or read in one turn of the event loop. */
export const ENTRIES_PER_CHUNK = 1_000;

/** Bytes read at a time while a log is scanned after a crash. */
export const SCAN_READ_BYTES = 1024 * 1024;

/** Logs opened or closed at the same time. */
export const CONCURRENT_LOG_OPENS = 64;

/** Bytes a compressed batch may grow to when it is looked into. */
export const MAX_DECOMPRESSED_BATCH_BYTES = 64 * 1024 * 1024;

/** How often offline partitions are tried again and silent producers forgotten. */
export const MAINTENANCE_INTERVAL_MS = 5_000;

/** The same where logs are shared: what fails there mostly waits for an election. */
export const SHARED_RETRY_INTERVAL_MS = 500;

/** How long a shared log may fail to open before that is logged as an error. */
export const SHARED_OFFLINE_TOLD_AFTER_MS = 2_000;

/** How often it is told which partitions this broker leads from now on, and which no more. */
export const LEADERSHIP_NEWS_INTERVAL_MS = 1_000;

/** How long a shared log that is closed may wait for appends that nobody answers. */
export const SHARED_CLOSE_GRACE_MS = 2_000;

/**
 * How long a request waits for this broker to take over what it was named the leader of, or to read
 * that it was. A take-over is done in a tenth of a second, unless its log has to elect first. Much
 * less than any client's time-out.
 */
export const TAKE_OVER_WAIT_MS = 2_000;
