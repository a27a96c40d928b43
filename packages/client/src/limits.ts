/** All limits and defaults of the client. */

/** Time for one request and for connecting, ms. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Time after which an unused connection is closed, ms. Kafka's connections.max.idle.ms. */
export const CONNECTIONS_MAX_IDLE_MS = 540_000;
/** Time for delivering a record, with retries, ms. Kafka's delivery.timeout.ms. */
export const DELIVERY_TIMEOUT_MS = 120_000;
/** Time after which an open transaction is aborted, ms. Kafka's transaction.timeout.ms. */
export const TRANSACTION_TIMEOUT_MS = 60_000;
/** Kafka's default of transaction.max.timeout.ms. */
export const MAX_TRANSACTION_TIMEOUT_MS = 900_000;
/** First and longest wait before a retry, ms. */
export const RETRY_BACKOFF_MS = 50;
export const RETRY_BACKOFF_MAX_MS = 1_000;
/** How long an operation fails before `onTrouble` is called, and the time between calls, ms. */
export const TROUBLE_AFTER_MS = 2_000;
export const TROUBLE_AGAIN_MS = 60_000;
/** How long `Admin.logEnds` waits for a leader, ms. */
export const LOG_ENDS_TIMEOUT_MS = 2_000;
/** How long a topic that the broker may create is allowed to be unknown, ms. */
export const UNKNOWN_TOPIC_PATIENCE_MS = 5_000;
/** Age at which cached metadata is asked for again, ms. Kafka's metadata.max.age.ms. */
export const METADATA_MAX_AGE_MS = 300_000;

/** Largest response accepted, bytes. */
export const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
/**
 * Bytes of batches in one request: Kafka's default socket.request.max.bytes, less room for the
 * headers and topic names.
 */
export const MAX_REQUEST_BATCH_BYTES = 100 * 1024 * 1024 - 64 * 1024;
/**
 * Bytes that a batch may grow to while another of its partition is in flight. About Kafka's
 * max.request.size.
 */
export const BATCH_BYTES = 1_000_000;
/** Bytes of records that a producer buffers before others wait. Kafka's buffer.memory. */
export const BUFFER_MEMORY_BYTES = 32 * 1024 * 1024;
/** How long a record waits for memory, or for metadata, ms. Kafka's max.block.ms. */
export const MAX_BLOCK_MS = 60_000;
/** Memory that a buffered record takes beside its own bytes, about: promises and objects. */
export const RECORD_HEAP_BYTES = 512;
/** Bytes after which the sticky partitioner chooses another partition (KIP-794). */
export const STICKY_BYTES = 16 * 1024;

/** Fetch: bytes of one partition, bytes of one response, and the broker's longest wait, ms. */
export const PARTITION_FETCH_BYTES = 1024 * 1024;
export const FETCH_BYTES = 50 * 1024 * 1024;
export const FETCH_MAX_WAIT_MS = 500;

/** Kafka's session.timeout.ms, heartbeat.interval.ms and max.poll.interval.ms. */
export const SESSION_TIMEOUT_MS = 45_000;
export const HEARTBEAT_INTERVAL_MS = 3_000;
export const MAX_POLL_INTERVAL_MS = 300_000;
/** Kafka's auto.commit.interval.ms. */
export const AUTO_COMMIT_INTERVAL_MS = 5_000;
/** Added to the rebalance time-out for a JoinGroup or SyncGroup response, ms, as in Kafka. */
export const JOIN_GRACE_MS = 5_000;
/** Time for a closing member's last commit, and for its LeaveGroup, ms. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Longest delay of a Node.js timer, ms: a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** How many handlers of a run may run at once, at most: their marks share an offset's metadata. */
export const MAX_CONCURRENCY = 100;
/** Records of a partition that may have failed and wait at once: their attempts are there too. */
export const MAX_FAILED_RECORDS = 100;
/** How far a partition may run ahead of its committed offset, records. */
export const MAX_UNCOMMITTED_RECORDS = 10_000;
/** Records in a batch for a handler. Kafka's max.poll.records. */
export const BATCH_RECORDS = 500;
/** How long handlers may run in one turn of the event loop before others have theirs, ms. */
export const RUN_SLICE_MS = 10;
/**
 * Longest wait of a Fetch while a run has paused a partition, ms. A run pauses and resumes often:
 * handlers must not run out of records meanwhile.
 */
export const RUN_PAUSED_WAIT_MS = 50;
/** Time for handlers to finish when their partition is given up, ms. */
export const DRAIN_TIMEOUT_MS = 30_000;
/** First and longest wait before a handler's retry, ms. */
export const RETRY_DELAY_MS = 1_000;
export const RETRY_DELAY_MAX_MS = 60_000;
/** How far ahead a record can be delayed, ms: 365 days. */
export const MAX_DELAY_MS = 365 * 24 * 3_600_000;
/** How long a listener of a CheckBackProducer may take: the broker's time between checks, ms. */
export const LISTENER_TIMEOUT_MS = 30_000;
/** How many checks a CheckBackProducer answers at once. */
export const CHECK_CONCURRENCY = 10;
/** Kafka's longest name of a topic, which that of a group's checks is. */
export const MAX_TOPIC_NAME_LENGTH = 249;
/** Longest id of a half message, bytes. */
export const MAX_MESSAGE_ID_BYTES = 1_024;
/** Dead letters that are redriven in one transaction, at most. */
export const REDRIVE_BATCH = 100;
/** Characters of an error's message and of its stack in a dead letter. */
export const DEAD_LETTER_TEXT_LENGTH = 1_000;
export const DEAD_LETTER_STACK_LENGTH = 4_000;
