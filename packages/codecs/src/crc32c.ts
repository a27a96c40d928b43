import { optional, requireLibrary } from "./native.ts";

type Crc32 = typeof import("@node-rs/crc32");
const native = optional(() => requireLibrary("@node-rs/crc32") as Crc32);
type Compute = (bytes: Uint8Array) => number;
let compute: Compute | undefined;
let plain: Compute | undefined;
/** The library is loaded once so many bytes were checked without it, which takes as long. */
const PLAIN_BYTES = 64 << 10;
let plainBytes = 0;

/** CRC32C (Castagnoli), unsigned. Native if the library has a binary for this machine. */
export function crc32c(bytes: Uint8Array): number {
  if (compute !== undefined) return compute(bytes);
  plainBytes += bytes.length;
  if (plainBytes > PLAIN_BYTES) return loadCrc32c()(bytes);
  plain ??= plainCrc32c();
  return plain(bytes);
}

/** Loads the library now: a start with little to check does without it. */
export function loadCrc32c(): Compute {
  compute ??= native()?.crc32c ?? plain ?? plainCrc32c();
  return compute;
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
