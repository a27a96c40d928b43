/**
 * Kafka's min.incremental.fetch.session.eviction.ms: a session used since then is not evicted.
 */
export const FETCH_SESSION_PROTECTED_MS = 120_000;

/** Most partitions in all fetch sessions together, to bound their memory. */
export const MAX_FETCH_SESSION_PARTITIONS = 1_000_000;

/** How often a session looks for changes of its quiet partitions that no event tells, ms. */
export const QUIET_CHECK_MS = 1000;
