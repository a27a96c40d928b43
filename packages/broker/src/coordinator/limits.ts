/** Pause before another attempt to load a shard that could not be loaded. */
export const RELOAD_DELAY_MS = 1_000;

/** The same while the shard's partition is not open in its leader epoch, as on a new leader. */
export const REOPEN_DELAY_MS = 50;

/**
 * How long a request waits for its shard to be loaded, or for this broker to read in the metadata
 * that it is the coordinator. A load takes about 0.1 s, unless the partition's stream has to elect
 * a Raft leader first. Clients' time-outs and sessions are much longer.
 */
export const COORDINATOR_WAIT_MS = 2_000;

/** A shard's alarm that rings this late shows that the process was paused, or got no CPU. */
export const PAUSED_MS = 1_000;

/**
 * How long a shard waits after a pause before it lets deadlines fire. The heartbeats that arrived
 * meanwhile are read first, so that the broker's own pause does not expire all members.
 */
export const AWAKE_MS = 1_000;

/** The longest delay of a timer in Node.js. Longer time-outs of clients are cut to it. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** Stale entries that the heap of deadlines may hold, however few deadlines there are. */
export const MIN_STALE_DEADLINES = 64;
