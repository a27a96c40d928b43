/** Most bytes of batches in one message, unless a single batch is larger. */
export const MESSAGE_BYTES = 1 << 20;
/** Bytes of max_payload that are left for a message's headers. */
export const HEADER_BYTES = 256;
/** Time after which the outcome of an append without an answer counts as unknown. */
export const ACK_TIMEOUT_MS = 2000;
/** Time after which a request to the JetStream API or for messages counts as unanswered. */
export const REQUEST_TIMEOUT_MS = 3000;
/** How often requests are checked for their deadline. */
export const SWEEP_INTERVAL_MS = 500;
/** First and longest wait before a retry. */
export const RETRY_MIN_MS = 50;
export const RETRY_MAX_MS = 250;
/** How long an operation that needs a Raft leader waits for one: an election takes 4 to 9 s. */
export const RAFT_LEADER_TIMEOUT_MS = 30_000;
/** How long the creation of a stream waits for servers that could hold it. */
export const PLACEMENT_TIMEOUT_MS = 8000;
/** How long closing a log waits for appends whose outcome is unknown. */
export const CLOSE_GRACE_MS = 2000;
/** How long a stopping broker still waits for answers of the servers. */
export const STOP_GRACE_MS = 1500;
/** Longer than the 4 s that STREAM.LIST waits for leaders that do not answer. */
export const LIST_TIMEOUT_MS = 6000;
/** Streams that are created at the same time. */
export const CONCURRENT_CREATIONS = 16;
/** Messages and bytes asked for by one direct get: the server holds its lock while it sends. */
export const READ_MESSAGES = 256;
export const READ_BYTES = 1 << 20;
/** Most messages of one block of the index, and the bytes at which a block is full. */
export const BLOCK_MESSAGES = 64;
export const BLOCK_BYTES = 2 << 20;
/** Most blocks in one log's index; above it, pairs are merged. */
export const INDEX_BLOCKS = 8192;
/**
 * How often to wait for a newer start of the log when messages are missing, RETRY_MAX_MS each: a
 * Raft leader that lost its majority may answer with an outdated one for up to 10 s.
 */
export const OLD_START_WAITS = 48;
/** Most blocks of an index that is saved; above it, pairs are merged. */
export const SAVED_BLOCKS = 2048;
/**
 * Bytes of batches after which compaction sends a copy, unless a single batch is larger. An append
 * may have to wait for one.
 */
export const COPY_BYTES = 256 << 10;
/** Ends of recent reads remembered for each log, where the next reads are likely to begin. */
export const READ_PLACES = 8;
/** Waits before each retry of a direct get, which a lagging replica may have answered. */
export const LAGGING_READ_WAITS_MS: readonly number[] = [5, 20, 50];
/** How long to wait for a replica's messages before another replica is asked. */
export const ASK_ANOTHER_WAITS_MS: readonly number[] = [100, 200, 400];
/** How often to repeat a request to a silent Raft leader: there may be a new leader by now. */
export const ASK_LEADER_EVERY_MS = 500;
/** How long a read waits for the Raft leader when no replica has the messages. */
export const READ_LEADER_TIMEOUT_MS = 10_000;
/** How often a follower log polls for new batches after a read, or while batches arrive. */
export const POLL_INTERVAL_MS = 100;
/** Longest time between its polls while no batch arrives and no one reads. */
export const POLL_IDLE_MS = 1000;
/** How long after a read it polls every POLL_INTERVAL_MS. */
export const POLL_AFTER_READ_MS = 10_000;
/** Waits before each poll after a `refresh`, until new messages are found. */
export const REFRESH_WAITS_MS: readonly number[] = [10, 30, 100];
/** How long a follower log waits for the Raft leader if replicas lack messages known to exist. */
export const LEADER_ASKED_MS = 500;
/** How often a follower log loads the log's start offset. */
export const START_REFRESH_MS = 5000;
/** Replicas of the checkpoint stream, if there are as many servers. */
export const CHECKPOINT_REPLICAS = 3;
/** How often to check whether that stream can have more replicas. */
export const CHECKPOINT_GROWTH_MS = 10_000;
/** Failed compare-and-set writes of a take-over marker before it is written unconditionally. */
export const CONDITIONAL_TAKE_OVERS = 3;
/**
 * How long the same Raft leader must show the same end of a stream, before what was acknowledged,
 * until the log counts as damaged: see shorter-stream.ts. A leader that lost its majority may
 * answer with outdated state for up to 10 s. Less than RAFT_LEADER_TIMEOUT_MS, after which an
 * opening gives up.
 */
export const SHORTER_CONFIRMED_MS = 20_000;
/** Longest time between two such answers: an election takes 4 s at least. */
export const SHORTER_SEEN_WITHIN_MS = 3500;
/** How long the servers must say that a stream does not exist before an append gives up. */
export const MISSING_CONFIRMED_MS = 3000;
/** How long JetStream remembers message ids; only an optimization, see resolve-message.ts. */
export const DUPLICATE_WINDOW_MS = 10_000;
