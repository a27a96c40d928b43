// What a managed nats-server is told, and how long is waited for one.

/** Above Kafka's largest batch by default (1,048,588 bytes), which NATS's own 1 MiB is not. */
export const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
/** Of one connection, towards it. NATS's default; a message must fit. */
export const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** Below it batches of Kafka's default size do not fit. */
export const LEAST_MAX_PAYLOAD_BYTES = 2 * 1024 * 1024;
export const LOG_FILE_BYTES = 64 * 1024 * 1024;
export const LOG_FILES_KEPT = 5;

/** A client port is drawn from here: below what systems give to outgoing connections. */
export const CLIENT_PORTS = { from: 20_000, to: 32_000 } as const;
export const CLIENT_PORT_TRIES = 50;

export const RESTART_DELAY_MS = { first: 200, longest: 5000 } as const;
/** A server that ran this long starts again at once when it ends. */
export const SOUND_AFTER_MS = 30_000;
/** A server told to end has this long; then it is killed. */
export const STOP_GRACE_MS = 15_000;
export const KILL_LIMIT_MS = 5000;

export const CONNECT_TIMEOUT_MS = 2000;
/** How long the first connection to an engine is tried. */
export const FIRST_CONNECTION_LIMIT_MS = 60_000;
export const RECONNECT_WAIT_MS = 100;
export const RECONNECT_JITTER_MS = 100;
/** Two pings without an answer end a connection. */
export const PING_INTERVAL_MS = 2500;
export const PINGS_UNANSWERED = 2;

export const HEALTH_INTERVAL_MS = 5000;
export const REQUEST_TIMEOUT_MS = 5000;
/** A server that has not answered by then is taken to be down. */
export const ANSWER_LIMIT_MS = 2000;
export const READY_POLL_MS = 200;
/** Between two lines that say what is waited for. */
export const PROGRESS_INTERVAL_MS = 5000;
/** Raft addresses remembered from one start to the next. */
export const REMEMBERED_PEERS = 32;
