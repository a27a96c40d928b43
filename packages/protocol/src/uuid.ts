import { ZERO_UUID } from "./schema.ts";

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/**
 * A cache of UUID strings. The same topic ids occur again and again, and making their strings takes
 * most of the time of decoding a Fetch. Each UUID has a slot, by the hash of its bytes, and stays
 * there until another UUID needs the slot. All slots start as the zero UUID.
 */
const SLOTS = 1024;
const slotWords = new Int32Array(SLOTS * 4);
const slotTexts: string[] = new Array(SLOTS).fill(ZERO_UUID);

/** 16 bytes at `at` to lower-case hexadecimal with dashes. */
export function decodeUuid(view: DataView, at: number): string {
  const a = view.getInt32(at);
  const b = view.getInt32(at + 4);
  const c = view.getInt32(at + 8);
  const d = view.getInt32(at + 12);
  const slot = (Math.imul(a ^ b ^ c ^ d, 0x9e3779b1) >>> 16) & (SLOTS - 1);
  const w = slot * 4;
  if (
    slotWords[w] === a &&
    slotWords[w + 1] === b &&
    slotWords[w + 2] === c &&
    slotWords[w + 3] === d
  )
    return slotTexts[slot]!;
  slotWords.set([a, b, c, d], w);
  const text = `${hex(a)}-${hex(b, "-")}-${hex(c, "-")}${hex(d)}`;
  slotTexts[slot] = text;
  return text;
}

function hex(word: number, between = ""): string {
  const left = HEX[word >>> 24]! + HEX[(word >>> 16) & 0xff]!;
  return left + between + HEX[(word >>> 8) & 0xff]! + HEX[word & 0xff]!;
}

/**
 * Writes the 16 bytes of a UUID given in hexadecimal, with dashes or without. Throws RangeError if
 * it is none.
 */
export function encodeUuid(text: string, into: Uint8Array, at: number): void {
  let digits = 0;
  let high = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2d) continue;
    const value = code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
    if (value < 0 || value > 15 || (code > 0x39 && value < 10) || digits === 32) break;
    if ((digits & 1) === 0) high = value;
    else into[at + (digits >> 1)] = (high << 4) | value;
    digits += 1;
    if (digits === 32 && i === text.length - 1) return;
  }
  throw new RangeError(`not a UUID: ${JSON.stringify(text)}`);
}
