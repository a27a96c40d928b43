/**
 * Most record errors that a Produce response lists for one partition.
 */
export const MAX_RECORD_ERRORS = 100;

/** Default limit for the decompressed bytes of one batch. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 16 * 1024 * 1024;
