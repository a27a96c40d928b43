import { MAX_STRING_BYTES, REFERENCE_MIN_BYTES, WRITER_INITIAL_BYTES } from "./limits.ts";
import type { RecordsInput } from "./schema.ts";
import { encodeText } from "./text.ts";
import { encodeUuid } from "./uuid.ts";

/**
 * Builds one message as a list of chunks for a gathering write.
 *
 * 1. Bytes from `#start` to `#pos` are written but not yet in `#chunks`; what is in a chunk is never touched again.
 * 2. Growing keeps positions, so a mark stays valid, but replaces #bytes and #view: take first, then look at them.
 * 3. Long byte fields are chunks of their own, not copies: the caller must leave them alone until the bytes are sent.
 *
 * A value that its kind can't hold is a bug of the caller and throws RangeError.
 */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #start = 0;
  #pos = 0;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #openMarks = 0;

  constructor() {
    this.#bytes = new Uint8Array(WRITER_INITIAL_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get byteLength(): number {
    return this.#chunkBytes + this.#pos - this.#start;
  }

  /** The message, in order. Call it once, at the end. */
  finish(): Uint8Array[] {
    this.#cut();
    return this.#chunks;
  }

  /** The message as one copy of its exact size: for what is kept rather than sent. Call it once, at the end. */
  join(): Uint8Array {
    const joined = new Uint8Array(this.byteLength);
    let at = 0;
    for (const chunk of this.finish()) {
      joined.set(chunk, at);
      at += chunk.byteLength;
    }
    return joined;
  }

  bool(value: boolean): void {
    this.boolAt(this.take(1), value);
  }
  i8(value: number): void {
    this.i8At(this.take(1), value);
  }
  i16(value: number): void {
    this.i16At(this.take(2), value);
  }
  u16(value: number): void {
    this.u16At(this.take(2), value);
  }
  i32(value: number): void {
    this.i32At(this.take(4), value);
  }
  u32(value: number): void {
    this.u32At(this.take(4), value);
  }
  i64(value: bigint): void {
    this.i64At(this.take(8), value);
  }
  f64(value: number): void {
    this.f64At(this.take(8), value);
  }
  offset(value: number): void {
    this.offsetAt(this.take(8), value);
  }
  uuid(value: string): void {
    this.uuidAt(this.take(16), value);
  }

  // The same at a position that `take` gave: neighbours can be taken together.

  boolAt(at: number, value: boolean): void {
    this.#view.setInt8(at, value ? 1 : 0);
  }
  i8At(at: number, value: number): void {
    if ((value << 24) >> 24 !== value) outside("int8", value);
    this.#view.setInt8(at, value);
  }
  i16At(at: number, value: number): void {
    if ((value << 16) >> 16 !== value) outside("int16", value);
    this.#view.setInt16(at, value);
  }
  u16At(at: number, value: number): void {
    if ((value & 0xffff) !== value) outside("uint16", value);
    this.#view.setUint16(at, value);
  }
  i32At(at: number, value: number): void {
    if ((value | 0) !== value) outside("int32", value);
    this.#view.setInt32(at, value);
  }
  u32At(at: number, value: number): void {
    if (value >>> 0 !== value) outside("uint32", value);
    this.#view.setUint32(at, value);
  }
  i64At(at: number, value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) outside("int64", value);
    this.#view.setBigInt64(at, value);
  }
  f64At(at: number, value: number): void {
    this.#view.setFloat64(at, value);
  }
  offsetAt(at: number, value: number): void {
    const high = Math.floor(value / 0x100000000);
    const low = value - high * 0x100000000;
    if (low >>> 0 !== low || high < -0x200000 || high > 0x1fffff) outside("a safe int64", value);
    this.#view.setInt32(at, high);
    this.#view.setUint32(at + 4, low);
  }
  uuidAt(at: number, value: string): void {
    encodeUuid(value, this.#bytes, at);
  }

  uvarint(value: number): void {
    if (value >>> 0 !== value) outside("uint32", value);
    const at = this.take(uvarintBytes(value));
    if (value < 0x80) this.#bytes[at] = value;
    else putUvarint(this.#bytes, at, value);
  }

  string(value: string): void {
    const at = this.take(2);
    this.#text(value);
    const length = this.#pos - at - 2;
    if (length > MAX_STRING_BYTES) outside("a string's length", length);
    this.#view.setInt16(at, length);
  }

  compactString(value: string): void {
    // Most lengths take one byte; settle() widens the mark when this one does not.
    const mark = this.mark();
    this.#text(value);
    if (this.#pos - mark - 1 > MAX_STRING_BYTES) outside("a string's length", this.#pos - mark - 1);
    this.settle(mark, 1);
  }

  bytes(value: Uint8Array): void {
    this.i32(value.byteLength);
    this.raw(value);
  }

  compactBytes(value: Uint8Array): void {
    this.uvarint(value.byteLength + 1);
    this.raw(value);
  }

  records(value: Exclude<RecordsInput, null>): void {
    this.i32(recordsBytes(value));
    this.#slices(value);
  }

  compactRecords(value: Exclude<RecordsInput, null>): void {
    this.uvarint(recordsBytes(value) + 1);
    this.#slices(value);
  }

  /** Bytes without a length: copied when short, otherwise referenced. */
  raw(value: Uint8Array): void {
    const length = value.byteLength;
    if (length >= REFERENCE_MIN_BYTES && this.#openMarks === 0) {
      this.#cut();
      this.#chunks.push(value);
      this.#chunkBytes += length;
      return;
    }
    const at = this.take(length);
    this.#bytes.set(value, at);
  }

  /** Opens a part whose length is written before it, as a varint, once it is known: see `settle`. */
  mark(): number {
    this.#openMarks += 1;
    return this.take(1);
  }

  /** Closes the part opened by `mark` and writes its length plus `extra` there, moving the part if it must. */
  settle(mark: number, extra = 0): void {
    this.#openMarks -= 1;
    const length = this.#pos - mark - 1;
    const more = uvarintBytes(length + extra) - 1;
    if (more > 0) {
      this.take(more);
      this.#bytes.copyWithin(mark + 1 + more, mark + 1, mark + 1 + length);
    }
    putUvarint(this.#bytes, mark, length + extra);
  }

  #text(value: string): void {
    const room = value.length * 3;
    const at = this.take(room);
    this.#pos = encodeText(value, this.#bytes, at);
  }

  #slices(value: Exclude<RecordsInput, null>): void {
    if (value instanceof Uint8Array) this.raw(value);
    else for (const slice of value) this.raw(slice);
  }

  /** Makes room for `length` bytes and returns where they start. */
  take(length: number): number {
    const at = this.#pos;
    if (at + length > this.#bytes.byteLength) this.#grow(at + length);
    this.#pos = at + length;
    return at;
  }

  #grow(needed: number): void {
    let size = this.#bytes.byteLength * 2;
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#bytes.subarray(this.#start, this.#pos), this.#start);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  #cut(): void {
    if (this.#pos === this.#start) return;
    this.#chunks.push(this.#bytes.subarray(this.#start, this.#pos));
    this.#chunkBytes += this.#pos - this.#start;
    this.#start = this.#pos;
  }
}

function recordsBytes(value: Exclude<RecordsInput, null>): number {
  if (value instanceof Uint8Array) return value.byteLength;
  let total = 0;
  for (const slice of value) total += slice.byteLength;
  return total;
}

function uvarintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

function putUvarint(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  let i = at;
  while (rest > 0x7f) {
    bytes[i++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[i] = rest;
}

function outside(kind: string, value: number | bigint): never {
  throw new RangeError(`${value} does not fit ${kind}`);
}
