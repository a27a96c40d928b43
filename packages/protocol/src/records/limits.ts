/**
 * Record errors one Produce response carries for a partition; the rest of the batch is not listed.
 */
export const MAX_RECORD_ERRORS = 100;

/** Decompressed bytes of one batch, unless the caller says otherwise. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 16 * 1024 * 1024;
