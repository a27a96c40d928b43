// Raw snappy blocks (format_description.txt of google/snappy): a varint of the plain length, then
// elements. In JavaScript, for small blocks and for machines without the native library.
import { DecompressionError } from "./errors.ts";

/** Reads the block's plain length; `next` is where its elements begin. */
export function readPlainLength(block: Uint8Array): { length: number; next: number } {
  let length = 0;
  let scale = 1;
  for (let i = 0; i < 5 && i < block.length; i++) {
    const byte = block[i]!;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (length >= 2 ** 32) break;
      return { length, next: i + 1 };
    }
    scale *= 128;
  }
  throw new DecompressionError("snappy", "the block's length is not a 32-bit varint");
}

/** Decompresses the elements of `block` from `next` on; they must fill `output` exactly. */
export function decompressBlock(block: Uint8Array, next: number, output: Uint8Array): void {
  let at = next;
  let out = 0;
  while (at < block.length) {
    const tag = block[at++]!;
    let length: number;
    if ((tag & 3) === 0) {
      length = (tag >>> 2) + 1;
      if (length > 60) {
        const bytes = length - 60;
        length = readLittleEndian(block, at, bytes) + 1;
        at += bytes;
      }
      if (length > block.length - at || length > output.length - out) throw overrun();
      if (length < 16) for (let i = 0; i < length; i++) output[out + i] = block[at + i]!;
      else output.set(block.subarray(at, at + length), out);
      at += length;
    } else {
      let distance: number;
      if ((tag & 3) === 1) {
        length = ((tag >>> 2) & 7) + 4;
        distance = ((tag >>> 5) << 8) | readLittleEndian(block, at, 1);
        at += 1;
      } else {
        const bytes = (tag & 3) === 2 ? 2 : 4;
        length = (tag >>> 2) + 1;
        distance = readLittleEndian(block, at, bytes);
        at += bytes;
      }
      if (distance === 0 || distance > out || length > output.length - out) throw overrun();
      // Byte by byte, since a copy may overlap what it writes.
      for (let i = 0; i < length; i++) output[out + i] = output[out + i - distance]!;
    }
    out += length;
  }
  if (out !== output.length) throw overrun();
}

/** A valid block of one literal (uncompressed), for machines without the native library. */
export function storeBlock(plain: Uint8Array): Uint8Array {
  const header: number[] = [];
  let rest = plain.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) header.push((rest & 0x7f) | 0x80);
  header.push(rest);
  if (plain.length > 0) {
    const last = plain.length - 1;
    header.push(63 << 2, last & 255, (last >>> 8) & 255, (last >>> 16) & 255, last >>> 24);
  }
  const block = new Uint8Array(header.length + plain.length);
  block.set(header);
  block.set(plain, header.length);
  return block;
}

function readLittleEndian(bytes: Uint8Array, at: number, count: number): number {
  if (at + count > bytes.length) throw overrun();
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

function overrun(): DecompressionError {
  return new DecompressionError("snappy", "an element reaches past the block");
}
