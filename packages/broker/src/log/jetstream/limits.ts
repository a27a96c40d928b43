/** Bytes of batches that go together in one message, unless a single batch is larger. */
export const MESSAGE_BYTES = 1 << 20;
/** Room for the headers that go with a batch, within max_payload. */
export const HEADER_BYTES = 256;
/** After which an append without an answer counts as one whose outcome is unknown. */
export const ACK_TIMEOUT_MS = 2000;
/** After which a request to the JetStream API or for messages counts as unanswered. */
export const REQUEST_TIMEOUT_MS = 3000;
/** How often overdue answers are looked for. */
export const SWEEP_INTERVAL_MS = 500;
/** First and longest wait before something is tried again. */
export const RETRY_MIN_MS = 50;
export const RETRY_MAX_MS = 250;
/** How long operations that need a Raft leader wait for one: an election takes 4 to 9 s. */
export const PATIENCE_MS = 30_000;
/** How long the creation of a stream waits for servers that could hold it. */
export const PLACE_PATIENCE_MS = 8000;
/** How long closing a log waits for appends whose outcome is unknown. */
export const CLOSE_GRACE_MS = 2000;
/** What a broker that stops gives the servers to answer what it has asked of them already. */
export const STOP_PATIENCE_MS = 1500;
/** STREAM.LIST waits 4 s for leaders that do not answer before it does. */
export const LIST_TIMEOUT_MS = 6000;
/** Creations of streams in progress at once. */
export const CREATIONS = 16;
/** Messages and bytes asked for by one direct get: the server holds its lock while it sends. */
export const READ_MESSAGES = 256;
export const READ_BYTES = 1 << 20;
/** Messages one block of the index covers, and bytes after which it takes no more. */
export const BLOCK_MESSAGES = 64;
export const BLOCK_BYTES = 2 << 20;
/** Blocks of one log's index: past it, pairs are merged. */
export const INDEX_BLOCKS = 8192;
/** Ends of reads that are remembered for each log, as a reader goes on where it ended. */
export const READ_PLACES = 8;
/** Direct gets may be answered by a replica that lags: waits before each of the next tries. */
export const LAGGING_READ_WAITS_MS: readonly number[] = [5, 20, 50];
/** How long each replica asked for messages may keep silent before one more is asked. */
export const ASK_ANOTHER_WAITS_MS: readonly number[] = [100, 200, 400];
/** How often a Raft leader that keeps silent is asked: another one may be it by now. */
export const ASK_LEADER_EVERY_MS = 500;
/** How long a read waits for the Raft leader when no replica has what is asked for. */
export const READ_PATIENCE_MS = 10_000;
/** How often a followed log looks for new batches while somebody cares. */
export const POLL_INTERVAL_MS = 100;
/** The same at most while nothing comes and nobody reads. */
export const POLL_IDLE_MS = 1000;
/** Somebody cares that long after a read. */
export const POLL_AFTER_READ_MS = 10_000;
/** After a poke that found nothing yet: waits before each of the next looks. */
export const REFRESH_WAITS_MS: readonly number[] = [10, 30, 100];
/** What a followed log that knows of more waits for the Raft leader, between looks at a replica. */
export const LEADER_ASKED_MS = 500;
/** How often a followed log asks where the log starts now. */
export const START_REFRESH_MS = 5000;
/** Replicas of the stream of checkpoints, where there are as many servers. */
export const CHECKPOINT_REPLICAS = 3;
/** How often it is looked at whether that stream could have more replicas. */
export const CHECKPOINT_GROWTH_MS = 10_000;
/** Refused take-overs by compare-and-set before the marker is written wherever it lands. */
export const POLITE_TAKE_OVERS = 3;
/**
 * How long a stream must look shorter than acknowledged before that is believed. A Raft leader that
 * was cut off answers with what it has for up to 10 s.
 */
export const SHORTER_BELIEVED_MS = 15_000;
/** How long a stream must be said not to be there before an append to it gives up. */
export const MISSING_BELIEVED_MS = 3000;
/** How long JetStream remembers message ids; only a short cut, see resolve-message.ts. */
export const DUPLICATE_WINDOW_MS = 10_000;
