// How a managed nats-server is configured, and how long the broker waits for it.

/** Kafka's default limit of a batch is 1,048,588 bytes, which NATS's default of 1 MiB is below. */
export const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
/** What the server buffers for one connection: NATS's default, and more than a message. */
export const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** With less, batches up to Kafka's default limit may not fit. */
export const LEAST_MAX_PAYLOAD_BYTES = 2 * 1024 * 1024;
export const LOG_FILE_BYTES = 64 * 1024 * 1024;
export const LOG_FILES_KEPT = 5;

/** The server's client port is one of these: systems give outgoing connections higher ones. */
export const CLIENT_PORTS = { from: 20_000, to: 32_000 } as const;
export const CLIENT_PORT_TRIES = 50;

export const RESTART_DELAY_MS = { first: 200, longest: 5000 } as const;
/** If a server ran this long before it ended, it is restarted after the first delay again. */
export const STABLE_AFTER_MS = 30_000;
/** A server that is told to stop is killed after this time. */
export const STOP_GRACE_MS = 15_000;
export const KILL_LIMIT_MS = 5000;

export const CONNECT_TIMEOUT_MS = 2000;
/** How long a start tries to connect for the first time. */
export const FIRST_CONNECTION_LIMIT_MS = 60_000;
export const RECONNECT_WAIT_MS = 100;
export const RECONNECT_JITTER_MS = 100;
/** A connection is lost after this many unanswered pings. */
export const PING_INTERVAL_MS = 2500;
export const PINGS_UNANSWERED = 2;

export const HEALTH_INTERVAL_MS = 5000;
export const REQUEST_TIMEOUT_MS = 5000;
/** A server that does not answer within this time counts as down. */
export const SERVER_PING_TIMEOUT_MS = 2000;
export const READY_POLL_MS = 200;
/** How often a start logs what it waits for. */
export const PROGRESS_INTERVAL_MS = 5000;
/** How many raft addresses are remembered from one start to the next. */
export const REMEMBERED_PEERS = 32;
