/** How far ahead a message may be delivered, ms: a leap year. */
export const MAX_DELAY_MS = 366 * 86_400_000;

/** The longest id of a delayed message, bytes. */
export const MAX_ID_BYTES = 1_024;

/**
 * How much less than `max.message.bytes` of `__delayed` a message may have when it is not
 * compressed: its dead letter has more headers, and must fit into a topic with the same limit.
 */
export const DEAD_LETTER_ROOM_BYTES = 4_096;
