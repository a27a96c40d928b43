/** Every limit the protocol package keeps, in one place. */

/**
 * Array elements one frame may decode into, all its arrays together. A frame of 100 MB could
 * otherwise become gigabytes of objects: an element may be one byte on the wire and a hundred in
 * memory.
 */
export const MAX_ELEMENTS_PER_FRAME = 1_000_000;

/**
 * Longest string the protocol can carry, in bytes: its length was an int16 before it was a varint.
 */
export const MAX_STRING_BYTES = 0x7fff;

/** What a Writer starts with, in bytes. Most responses fit. */
export const WRITER_INITIAL_BYTES = 512;

/**
 * What Writers share. A chunk that waits for a slow socket keeps this much alive, so it is not
 * large.
 */
export const WRITER_SLAB_BYTES = 16 * 1024;

/** Byte fields at least this long are handed on by reference; shorter ones are cheaper to copy. */
export const REFERENCE_MIN_BYTES = 1024;
