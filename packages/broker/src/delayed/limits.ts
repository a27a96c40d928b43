/** How far ahead a message may be delivered, ms: a leap year. */
export const MAX_DELAY_MS = 366 * 86_400_000;

/** The longest id of a delayed message, bytes. */
export const MAX_ID_BYTES = 1_024;
