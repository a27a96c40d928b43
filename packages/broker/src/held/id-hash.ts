import { hash } from "node:crypto";

/** 32-bit words of an id's hash. */
export const HASH_WORDS = 2;

const HASH_BYTES = 4 * HASH_WORDS;

/**
 * The hash that `hashId` computed last. Kept outside, so that no call allocates an array. Its first
 * word is recorded: the hash function can't be changed without a new version of these records.
 */
export const idHash = new Int32Array(HASH_WORDS);

const bytes = Buffer.from(idHash.buffer);

/** The first 64 bits of SHA-256: nobody can find an id with the hash of somebody else's id. */
export function hashId(id: Uint8Array): void {
  bytes.write(hash("sha256", id, "binary"), 0, HASH_BYTES, "latin1");
}

const ownWords = new Int32Array(HASH_WORDS);

/**
 * In place of the hash: for the message at `offset` whose id is free again, because it has a
 * resolution. No id has this hash but by a chance of one in 2^64. The next call changes the result.
 */
export function wordsWithoutId(offset: number): Int32Array {
  // Spread over the table, which is searched from the first word on.
  ownWords[0] = Math.imul(offset | 0, 0x9e3779b1);
  ownWords[1] = ~Math.floor(offset / 2 ** 32);
  return ownWords;
}
