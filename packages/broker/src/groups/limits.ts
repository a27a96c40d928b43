/** Pause before a shard that could not be loaded is tried again. */
export const RELOAD_DELAY_MS = 1_000;
