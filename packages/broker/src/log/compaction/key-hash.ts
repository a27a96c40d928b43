// MurmurHash3 (x86, 128 bits) of a key. The 128 bits tell keys apart, as Kafka's MD5 does; this is
// several times faster than a call of node:crypto for each record. Each run has another seed, so
// that nobody can choose keys beforehand that collide.

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** The hash that `hashKey` computed last. Kept outside, so that no call allocates. */
export const keyHash = new Int32Array(4);

export function hashKey(bytes: Uint8Array, start: number, end: number, seed: number): void {
  const length = end - start;
  let [h1, h2, h3, h4] = [seed, seed, seed, seed];
  let at = start;
  for (const blocksEnd = end - (length & 15); at < blocksEnd; at += 16) {
    h1 ^= Math.imul(rotated(Math.imul(wordAt(bytes, at), C1), 15), C2);
    h1 = (Math.imul(rotated(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotated(Math.imul(wordAt(bytes, at + 4), C2), 16), C3);
    h2 = (Math.imul(rotated(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotated(Math.imul(wordAt(bytes, at + 8), C3), 17), C4);
    h3 = (Math.imul(rotated(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotated(Math.imul(wordAt(bytes, at + 12), C4), 18), C1);
    h4 = (Math.imul(rotated(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  h4 ^= Math.imul(rotated(Math.imul(tailWord(bytes, at + 12, end), C4), 18), C1);
  h3 ^= Math.imul(rotated(Math.imul(tailWord(bytes, at + 8, end), C3), 17), C4);
  h2 ^= Math.imul(rotated(Math.imul(tailWord(bytes, at + 4, end), C2), 16), C3);
  h1 ^= Math.imul(rotated(Math.imul(tailWord(bytes, at, end), C1), 15), C2);
  finish(h1 ^ length, h2 ^ length, h3 ^ length, h4 ^ length);
}

function finish(a: number, b: number, c: number, d: number): void {
  const sum = (a + b + c + d) | 0;
  const h1 = mixed(sum);
  const h2 = mixed((sum + b) | 0);
  const h3 = mixed((sum + c) | 0);
  const h4 = mixed((sum + d) | 0);
  const all = (h1 + h2 + h3 + h4) | 0;
  keyHash[0] = all;
  keyHash[1] = all + h2;
  keyHash[2] = all + h3;
  keyHash[3] = all + h4;
}

function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** The word at `at` as far as it lies before `end`, 0 beyond. */
function tailWord(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = Math.min(end, at + 4) - 1; i >= at; i--) word = (word << 8) | bytes[i]!;
  return word;
}
