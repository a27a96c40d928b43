/** Most bytes of a request's body. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Open connections. They don't count against the limits of Kafka's clients, so that metrics can be
 * read when these are reached, and must not keep out Kafka's clients themselves.
 */
export const MAX_HTTP_CONNECTIONS = 1_000;

/** Requests of one connection in progress; more of them end it. Real clients send one at a time. */
export const MAX_PIPELINED = 16;

/** How long the header of a request may take to arrive, and a whole request, ms. */
export const HEADER_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;
/** How often requests that take too long are looked for, ms. */
export const TIMEOUT_CHECK_INTERVAL_MS = 2_000;

/** When a client may retry if the coordinator is not available. */
export const RETRY_AFTER_SECONDS = 1;

/** Items of one list, at most. */
export const MAX_LISTED = 10_000;
