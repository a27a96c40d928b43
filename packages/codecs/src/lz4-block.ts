// LZ4 blocks (lz4_Block_format.md). A block does not say its plain length. So the first pass adds
// it up, reading only tokens and lengths; the second decompresses into an array of that size.
import { DecompressionError, DecompressionLimitError } from "./errors.ts";

const MIN_MATCH = 4;

/**
 * The plain length of the block in [start, end). Throws DecompressionLimitError above `maxBytes`.
 */
export function plainBlockLength(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
): number {
  let at = start;
  let total = 0;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw overrun();
        more = bytes[at++]!;
        literals += more;
      }
    }
    at += literals;
    total += literals;
    if (at === end) break;
    at += 2; // distance
    let match = token & 15;
    if (match === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw overrun();
        more = bytes[at++]!;
        match += more;
      }
    }
    total += match + MIN_MATCH;
    if (at >= end) throw overrun();
    if (total > maxBytes) throw new DecompressionLimitError("lz4", maxBytes);
  }
  if (total > maxBytes) throw new DecompressionLimitError("lz4", maxBytes);
  return total;
}

/**
 * Decompresses the block in [start, end) into `output` at `position`. plainBlockLength must have
 * checked the block. Matches may reach back to `earliest`. Returns the position after the block.
 */
export function decompressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  position: number,
  earliest: number,
): number {
  let at = start;
  let out = position;
  while (at < end) {
    const token = bytes[at++]!;
    let length = token >>> 4;
    if (length === 15) {
      let more = 255;
      while (more === 255) {
        more = bytes[at++]!;
        length += more;
      }
    }
    if (length > 24) output.set(bytes.subarray(at, at + length), out);
    else for (let i = 0; i < length; i++) output[out + i] = bytes[at + i]!;
    at += length;
    out += length;
    if (at === end) break;
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255) {
        more = bytes[at++]!;
        length += more;
      }
    }
    length += MIN_MATCH;
    const from = out - distance;
    if (distance === 0 || from < earliest) {
      throw new DecompressionError("lz4", "a match reaches before the data");
    }
    if (distance >= length && length > 32) output.copyWithin(out, from, from + length);
    // Byte by byte, since a match may overlap what it writes.
    else for (let i = 0; i < length; i++) output[out + i] = output[from + i]!;
    out += length;
  }
  return out;
}

function overrun(): DecompressionError {
  return new DecompressionError("lz4", "a sequence reaches past its block");
}
