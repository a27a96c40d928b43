/** How far ahead a message may be delivered, ms: a leap year. */
export const MAX_DELAY_MS = 366 * 86_400_000;
