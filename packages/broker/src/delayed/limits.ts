/** How far ahead a message may be delivered, ms: a leap year. */
export const MAX_DELAY_MS = 366 * 86_400_000;

/** The longest id of a delayed message, bytes. */
export const MAX_ID_BYTES = 1_024;

/** Partitions of `__delayed` when it is created. */
export const DELAYED_PARTITIONS = 8;

/** What a dead letter's topic has at the end of its name. */
export const DEAD_LETTER_SUFFIX = ".dlq";
