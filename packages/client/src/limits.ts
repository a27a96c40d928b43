/** Every limit and default the client keeps, in one place. */

/** Time for one request, ms; also for a connection to be made. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Time for a record to be delivered, retries included, ms. Kafka's delivery.timeout.ms. */
export const DELIVERY_TIMEOUT_MS = 120_000;
/** First and longest wait before a request is tried again, ms. */
export const RETRY_BACKOFF_MS = 50;
export const RETRY_BACKOFF_MAX_MS = 1_000;
/** How long something must have failed before `onTrouble` is told of it, and told again, ms. */
export const TROUBLE_AFTER_MS = 2_000;
export const TROUBLE_AGAIN_MS = 60_000;
/** How long a leader has to say where its logs begin and end, for a look at a topic, ms. */
export const LOG_ENDS_TIMEOUT_MS = 2_000;
/** How long a topic that was just named for the first time may stay unknown, ms. */
export const UNKNOWN_TOPIC_PATIENCE_MS = 5_000;
/** Age at which cached metadata is asked for again, ms. Kafka's metadata.max.age.ms. */
export const METADATA_MAX_AGE_MS = 300_000;

/** Largest response frame taken, bytes. */
export const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
/**
 * Bytes of batches in one request: what a broker takes (Kafka's socket.request.max.bytes) less room
 * for headers, names of topics and the like.
 */
export const MAX_REQUEST_BATCH_BYTES = 100 * 1024 * 1024 - 64 * 1024;
/**
 * Bytes a batch grows to while another of its partition is on its way. Kafka's max.request.size.
 */
export const BATCH_BYTES = 1_000_000;
/** Bytes of records a producer holds before it refuses more. Kafka's buffer.memory. */
export const BUFFER_BYTES = 32 * 1024 * 1024;
/** Memory a waiting record takes beside its own bytes, about: promises and objects. */
export const RECORD_HEAP_BYTES = 512;
/** Bytes after which records without a key move on to another partition (KIP-794). */
export const STICKY_BYTES = 16 * 1024;

/** Fetch: bytes of one partition, of one response, and the time a broker may wait for data. */
export const PARTITION_FETCH_BYTES = 1024 * 1024;
export const FETCH_BYTES = 50 * 1024 * 1024;
export const FETCH_MAX_WAIT_MS = 500;

/** Group members: how long one may be silent, how often it is not, how long between polls, ms. */
export const SESSION_TIMEOUT_MS = 45_000;
export const HEARTBEAT_INTERVAL_MS = 3_000;
export const MAX_POLL_INTERVAL_MS = 300_000;
/** Kafka's auto.commit.interval.ms. */
export const AUTO_COMMIT_INTERVAL_MS = 5_000;
/** What the coordinator may need beyond the rebalance time-out, ms, as in Kafka's consumer. */
export const JOIN_GRACE_MS = 5_000;
/**
 * What a closing member does for its group, each: a last commit, and telling that it leaves, ms.
 */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Longest delay of a timer, ms: a longer one fires at once. What waits longer waits again. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
