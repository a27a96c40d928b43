/**
 * Computes the CRC32C (Castagnoli, RFC 3720 B.4) of all of `bytes`, as an unsigned 32-bit number.
 */
export type Checksum = (bytes: Uint8Array) => number;

const POLYNOMIAL_REFLECTED = 0x82f63b78;
const SLICES = 8;

/** Eight tables of 256 in one array: table k maps a byte to its CRC after k more zero bytes. */
let tables: Int32Array | undefined;

/** CRC32C in JavaScript, eight bytes per step. The broker uses a native one instead. */
export function crc32c(bytes: Uint8Array): number {
  tables ??= buildTables();
  const t = tables;
  const length = bytes.length;
  const stop = length - (length % SLICES);
  let crc = -1;
  let i = 0;
  // Byte by byte: a DataView would need an allocation, and a Uint32Array aligned bytes.
  for (; i < stop; i += SLICES) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      t[1792 + (crc & 255)]! ^
      t[1536 + ((crc >>> 8) & 255)]! ^
      t[1280 + ((crc >>> 16) & 255)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < length; i++) crc = t[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function buildTables(): Int32Array {
  const t = new Int32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL_REFLECTED : crc >>> 1;
    t[byte] = crc;
  }
  for (let i = 256; i < t.length; i++) {
    const previous = t[i - 256]!;
    t[i] = t[previous & 255]! ^ (previous >>> 8);
  }
  return t;
}
