const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** 16 bytes at `at` to lower-case hexadecimal with dashes. */
export function decodeUuid(b: Uint8Array, at: number): string {
  const hex = (i: number) => HEX[b[at + i]!]!;
  const pair = (i: number) => hex(i) + hex(i + 1);
  return `${pair(0)}${pair(2)}-${pair(4)}-${pair(6)}-${pair(8)}-${pair(10)}${pair(12)}${pair(14)}`;
}

/** Writes the 16 bytes of a UUID given in hexadecimal, with dashes or without. Throws RangeError if it is none. */
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
