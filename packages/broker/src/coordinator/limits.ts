/** Pause before a shard that could not be loaded is tried again. */
export const RELOAD_DELAY_MS = 1_000;

/** The same when the shard's partition is only being opened, as on every new leader. */
export const REOPEN_DELAY_MS = 50;

/**
 * How long a request waits for its coordinator to be loaded, or for this broker to read that it is
 * the coordinator. Loading takes a tenth of a second, unless the partition has to elect first. Much
 * less than any client's time-out, and than a session.
 */
export const COORDINATOR_WAIT_MS = 2_000;

/** What a timer can hold: no time-out that a client names is waited for any longer. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** Stale entries that the heap of deadlines may hold however few deadlines there are. */
export const MIN_STALE_DEADLINES = 64;
