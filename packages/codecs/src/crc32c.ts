import { optional, requireLibrary } from "./native.ts";

type Crc32 = typeof import("@node-rs/crc32");
const native = optional(() => requireLibrary("@node-rs/crc32") as Crc32);
let compute: ((bytes: Uint8Array) => number) | undefined;

/** CRC32C (Castagnoli), unsigned. Native if the library has a binary for this machine. */
export function crc32c(bytes: Uint8Array): number {
  compute ??= native()?.crc32c ?? plainCrc32c();
  return compute(bytes);
}

/** In JavaScript, byte by byte with one table: slow, for machines without a native binary. */
export function plainCrc32c(): (bytes: Uint8Array) => number {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    table[byte] = crc;
  }
  return (bytes) => {
    let crc = -1;
    for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
    return ~crc >>> 0;
  };
}
