/**
 * Kafka's min.incremental.fetch.session.eviction.ms: a session used since then is not pushed out.
 */
export const FETCH_SESSION_PROTECTED_MS = 120_000;

/** Partitions in all fetch sessions together, so that sessions can't fill the memory. */
export const MAX_FETCH_SESSION_PARTITIONS = 1_000_000;
