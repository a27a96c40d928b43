/** All limits of the protocol package. */

/**
 * Most array elements in one frame, over all its arrays. Without this limit a frame of 100 MB could
 * become gigabytes of objects: an element may take one byte on the wire and a hundred in memory.
 */
export const MAX_ELEMENTS_PER_FRAME = 1_000_000;

/**
 * Longest string of the protocol, bytes: its length is an int16 in versions that are not flexible.
 */
export const MAX_STRING_BYTES = 0x7fff;

/** Initial size of a Writer, bytes. Most responses fit into it. */
export const WRITER_INITIAL_BYTES = 512;

/**
 * Size of the buffer that Writers share, bytes. Small, because a chunk that waits for a slow socket
 * keeps all of it in memory.
 */
export const WRITER_SLAB_BYTES = 16 * 1024;

/** Byte fields of at least this size are passed by reference; smaller ones are cheaper to copy. */
export const REFERENCE_MIN_BYTES = 1024;
