/** Ms since the epoch. Retention would delete much older records, 30 s after a broker's start. */
export const RECENT_MS = Date.now() - 60_000;
