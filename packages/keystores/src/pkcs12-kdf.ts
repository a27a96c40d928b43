// Keys of passwords by PKCS#12's own way (RFC 7292, appendix B). Node has no function for it.
import { hash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

/** What a key is for. */
export const KEY = 1;
export const IV = 2;
export const MAC = 3;

export interface Kdf {
  /** By Node's name. */
  readonly digest: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** Hashes between two turns of the event loop: about a millisecond. */
const SLICE = 1_000;

/** Takes turns with whatever else the process does. `password` is that of `passwordBytes`. */
export async function pkcs12Key(
  { digest, salt, iterations }: Kdf,
  password: Uint8Array,
  purpose: number,
  length: number,
): Promise<Buffer> {
  const blockLength = digest === "sha384" || digest === "sha512" ? 128 : 64;
  const input = Buffer.concat([filled(salt, blockLength), filled(password, blockLength)]);
  const blocks: Buffer[] = [];
  for (let have = 0; have < length; ) {
    let block = hash(digest, Buffer.concat([Buffer.alloc(blockLength, purpose), input]), "buffer");
    for (let i = 1; i < iterations; i++) {
      block = hash(digest, block, "buffer");
      if (i % SLICE === 0) await setImmediate();
    }
    blocks.push(block);
    have += block.length;
    if (have < length) addToBlocks(input, Buffer.alloc(blockLength, block));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** Repeated, until whole blocks are full. */
function filled(bytes: Uint8Array, blockLength: number): Buffer {
  if (bytes.length === 0) return Buffer.alloc(0);
  return Buffer.alloc(Math.ceil(bytes.length / blockLength) * blockLength, bytes);
}

/** Each block of `input`, a number, grows by `block` and 1. */
function addToBlocks(input: Buffer, block: Buffer): void {
  for (let start = 0; start < input.length; start += block.length) {
    let carry = 1;
    for (let i = block.length - 1; i >= 0; i--) {
      carry += input[start + i]! + block[i]!;
      input[start + i] = carry;
      carry >>= 8;
    }
  }
}

/** UTF-16 with a zero at the end. */
export function passwordBytes(password: string): Buffer {
  return Buffer.from(`${password}\0`, "utf16le").swap16();
}
