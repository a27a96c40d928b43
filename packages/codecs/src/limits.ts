/**
 * Below this many plain bytes a snappy block is expanded faster here than by a call into native
 * code.
 */
export const NATIVE_SNAPPY_MIN_BYTES = 1024;

/** A snappy copy of three bytes yields at most 64, so a block that claims more is malformed. */
export const SNAPPY_MAX_EXPANSION = 22;

/** RFC 8878 §3.1.1.2.4: no zstd block expands to more. */
export const ZSTD_MAX_BLOCK_BYTES = 128 * 1024;

/** Each frame costs a decoder's set-up, and every known producer writes one. */
export const ZSTD_MAX_FRAMES = 16;

/**
 * Blocks of one snappy or lz4 stream: 16 MiB of the smallest blocks snappy-java can be told to
 * write.
 */
export const MAX_BLOCKS = 16_384;
