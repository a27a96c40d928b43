/** Bytes a uint32 takes as a varint. */
export function uvarintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Writes a uint32 as a varint; there must be room. */
export function putUvarint(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  let i = at;
  while (rest > 0x7f) {
    bytes[i++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[i] = rest;
}
