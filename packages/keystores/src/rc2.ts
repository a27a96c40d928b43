// RC2 (RFC 2268), by which Java 8 and OpenSSL 1 encrypt the certificates of a PKCS#12 file. OpenSSL
// 3 has it only in a provider that Node does not load. Certificates are public, so it need not be
// a good cipher.

/** A permutation of all bytes, out of the digits of pi. */
const PI = Buffer.from(
  "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2" +
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82" +
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7" +
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec" +
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" +
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad",
  "hex",
);

const BLOCK = 8;

/**
 * In CBC mode; all bits of the key are effective. Null if the padding is wrong.
 */
export function decryptRc2(key: Uint8Array, iv: Uint8Array, encrypted: Uint8Array): Buffer | null {
  if (encrypted.length === 0 || encrypted.length % BLOCK !== 0) return null;
  const words = expanded(key);
  const input = Buffer.from(encrypted);
  const plain = Buffer.alloc(input.length);
  let before = Buffer.from(iv);
  for (let at = 0; at < input.length; at += BLOCK) {
    const block = input.subarray(at, at + BLOCK);
    const state = Array.from({ length: 4 }, (_, i) => block.readUInt16LE(2 * i));
    decryptBlock(words, state);
    for (const [i, word] of state.entries()) {
      plain.writeUInt16LE(word ^ before.readUInt16LE(2 * i), at + 2 * i);
    }
    before = block;
  }
  const padding = plain.at(-1)!;
  const isRight = padding >= 1 && padding <= BLOCK;
  if (!isRight || plain.subarray(-padding).some((byte) => byte !== padding)) return null;
  return plain.subarray(0, -padding);
}

/** The 64 words of the key. */
function expanded(key: Uint8Array): readonly number[] {
  const bytes = Buffer.alloc(128);
  bytes.set(key);
  for (let i = key.length; i < 128; i++) {
    bytes[i] = PI[(bytes[i - 1]! + bytes[i - key.length]!) & 0xff]!;
  }
  bytes[128 - key.length] = PI[bytes[128 - key.length]!]!;
  for (let i = 127 - key.length; i >= 0; i--) {
    bytes[i] = PI[bytes[i + 1]! ^ bytes[i + key.length]!]!;
  }
  return Array.from({ length: 64 }, (_, i) => bytes.readUInt16LE(2 * i));
}

const ROTATIONS = [1, 2, 3, 5];
/** A round of mashing comes before these rounds, counted from the last one. */
const MASHED_BEFORE = [10, 4];

function decryptBlock(key: readonly number[], r: number[]): void {
  for (let round = 15; round >= 0; round--) {
    if (MASHED_BEFORE.includes(round)) {
      for (let i = 3; i >= 0; i--) r[i] = (r[i]! - key[r[(i + 3) % 4]! & 63]!) & 0xffff;
    }
    for (let i = 3; i >= 0; i--) {
      const by = ROTATIONS[i]!;
      const rotated = ((r[i]! >> by) | (r[i]! << (16 - by))) & 0xffff;
      const [one, two, three] = [r[(i + 3) % 4]!, r[(i + 2) % 4]!, r[(i + 1) % 4]!];
      r[i] = (rotated - key[4 * round + i]! - (one & two) - (~one & three)) & 0xffff;
    }
  }
}
