/** A malformed records field: its bytes contradict its lengths or counts. */
export class RecordFormatError extends Error {
  readonly code = "TARPAN_MALFORMED_RECORDS";
  override readonly name = "RecordFormatError";
}

/**
 * The position after the last varint read. Shared by all readers: none is asynchronous.
 */
export const cursor = { at: 0 };

/**
 * Reads the 32-bit zigzag varint (KIP-98) at `at`; no byte at or after `end` is read. Extra bits
 * are refused: some readers drop them and would see another value.
 */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  let position = at;
  let raw = 0;
  for (let shift = 0; ; shift += 7) {
    if (position >= end) throw premature();
    const byte = bytes[position++]!;
    raw |= (byte & 0x7f) << shift;
    if (shift === 28 && byte > 0x0f) throw new RecordFormatError("a varint exceeds 32 bits");
    if (byte < 0x80) break;
  }
  cursor.at = position;
  return (raw >>> 1) ^ -(raw & 1);
}

/**
 * Like readVarint, for 64 bits as a number; values whose zigzag form exceeds 2^53 − 1 are refused.
 */
export function readVarlong(bytes: Uint8Array, at: number, end: number): number {
  // Four groups of seven bits fit integer arithmetic, and hold timestamp deltas up to a day.
  let position = at;
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    if (position >= end) throw premature();
    const byte = bytes[position++]!;
    low |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor.at = position;
      return (low >>> 1) ^ -(low & 1);
    }
  }
  let raw = low;
  for (let scale = 2 ** 28; ; scale *= 128) {
    if (position >= end) throw premature();
    const byte = bytes[position++]!;
    raw += (byte & 0x7f) * scale;
    if (raw > Number.MAX_SAFE_INTEGER || position - at > 10) {
      throw new RecordFormatError("a varlong is out of range");
    }
    if (byte < 0x80) break;
  }
  cursor.at = position;
  return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
}

function premature(): RecordFormatError {
  return new RecordFormatError("a length reaches past the end of the records");
}

/** Bytes of `value`, a 32-bit integer, as a zigzag varint. */
export function sizeOfVarint(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x200000) return 3;
  return raw < 0x10000000 ? 4 : 5;
}

/** Bytes of `value`, a safe integer, as a zigzag varlong. */
export function sizeOfVarlong(value: number): number {
  let raw = zigzagLong(value);
  let size = 1;
  while (raw >= 0x80) {
    raw = Math.floor(raw / 128);
    size++;
  }
  return size;
}

/** Writes `value`; returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = position;
  while (raw >= 0x80) {
    bytes[at++] = (raw & 0x7f) | 0x80;
    raw >>>= 7;
  }
  bytes[at++] = raw;
  return at;
}

/** Writes `value`; returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  let raw = zigzagLong(value);
  let at = position;
  while (raw >= 0x80) {
    bytes[at++] = (raw % 128) | 0x80;
    raw = Math.floor(raw / 128);
  }
  bytes[at++] = raw;
  return at;
}

function zigzagLong(value: number): number {
  const raw = value >= 0 ? value * 2 : -value * 2 - 1;
  if (!Number.isSafeInteger(raw)) throw new RangeError(`${value} does not fit a varlong here`);
  return raw;
}
