/**
 * Snappy blocks of fewer plain bytes are decompressed in JavaScript: a call into native code takes
 * longer.
 */
export const NATIVE_SNAPPY_MIN_BYTES = 1024;

/** A snappy copy of three bytes yields at most 64, so a block that claims more is malformed. */
export const SNAPPY_MAX_EXPANSION = 22;

/** The largest plain size of a zstd block (RFC 8878 §3.1.1.2.4). */
export const ZSTD_MAX_BLOCK_BYTES = 128 * 1024;

/** Each frame needs a decoder to be set up; all known producers write one frame. */
export const ZSTD_MAX_FRAMES = 16;

/**
 * Most blocks in one snappy or lz4 stream: 16 MiB in the smallest blocks that snappy-java can
 * write.
 */
export const MAX_BLOCKS = 16_384;
