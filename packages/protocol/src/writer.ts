import {
  MAX_STRING_BYTES,
  REFERENCE_MIN_BYTES,
  WRITER_INITIAL_BYTES,
  WRITER_SLAB_BYTES,
} from "./limits.ts";
import type { RecordsInput } from "./schema.ts";
import { encodeText } from "./text.ts";
import { encodeUuid } from "./uuid.ts";
import { putUvarint, uvarintBytes } from "./uvarint.ts";

/**
 * Memory shared by small messages: allocating a buffer for each would take longer than encoding it.
 */
class Slab {
  readonly bytes = new Uint8Array(WRITER_SLAB_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  used = 0;
}

let currentSlab = new Slab();

/**
 * Encodes one message as a list of chunks for a gathering write.
 *
 * 1. Bytes from #start to #pos are written but not yet in #chunks. A finished chunk never changes.
 * 2. Only this writer uses the memory from #start to #limit, though others share the slab.
 * 3. Growing replaces #bytes, #view and all positions: call `take` before reading them. Marks are
 *    relative to #start, which does not move while a mark is open.
 * 4. Long byte fields become chunks without a copy: the caller must not change them until they are
 *    sent.
 *
 * A value out of its kind's range is a bug of the caller and throws RangeError.
 */
export class Writer {
  #slab: Slab | undefined;
  #bytes: Uint8Array;
  #view: DataView;
  #start: number;
  #pos: number;
  #limit: number;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #openMarks = 0;

  constructor() {
    if (currentSlab.used + WRITER_INITIAL_BYTES > WRITER_SLAB_BYTES) currentSlab = new Slab();
    const slab = currentSlab;
    this.#slab = slab;
    this.#bytes = slab.bytes;
    this.#view = slab.view;
    this.#start = slab.used;
    this.#pos = slab.used;
    slab.used += WRITER_INITIAL_BYTES;
    this.#limit = slab.used;
  }

  /** Bytes written so far. */
  get byteLength(): number {
    return this.#chunkBytes + this.#pos - this.#start;
  }

  /** The message, in order. Call it once, at the end. */
  finish(): Uint8Array[] {
    this.#cut();
    const slab = this.#slab;
    if (slab !== undefined && slab.used === this.#limit) slab.used = this.#pos;
    this.#limit = this.#pos;
    return this.#chunks;
  }

  /**
   * The message as one buffer of its exact size: for bytes that are kept, not sent. Call it once,
   * at the end.
   */
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

  // The same at a position that `take` returned: one `take` can serve several values.

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
    const at = this.take(2 + value.length * 3);
    this.#pos = encodeText(value, this.#bytes, at + 2);
    const length = this.#pos - at - 2;
    if (length > MAX_STRING_BYTES) outside("a string's length", length);
    this.#view.setInt16(at, length);
  }

  compactString(value: string): void {
    const at = this.take(1 + value.length * 3);
    this.#pos = encodeText(value, this.#bytes, at + 1);
    const length = this.#pos - at - 1;
    if (length > MAX_STRING_BYTES) outside("a string's length", length);
    // Most lengths fit the one byte that was reserved.
    if (length < 0x7f) this.#bytes[at] = length + 1;
    else this.#widen(at, length, length + 1);
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

  /** Writes bytes without a length: short ones are copied, others referenced. */
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

  /**
   * Starts a part with a varint length before it, which `settle` writes.
   */
  mark(): number {
    this.#openMarks += 1;
    return this.take(1) - this.#start;
  }

  /**
   * Ends the part started by `mark`: writes its length, and moves the part if the length needs more
   * than one byte.
   */
  settle(mark: number): void {
    this.#openMarks -= 1;
    const at = this.#start + mark;
    const length = this.#pos - at - 1;
    this.#widen(at, length, length);
  }

  /** Puts a varint in place of the byte at `at`, before the `length` bytes that follow it. */
  #widen(at: number, length: number, value: number): void {
    const more = uvarintBytes(value) - 1;
    const mark = at - this.#start;
    if (more > 0) {
      this.take(more);
      const from = this.#start + mark + 1;
      this.#bytes.copyWithin(from + more, from, from + length);
    }
    putUvarint(this.#bytes, this.#start + mark, value);
  }

  #slices(value: Exclude<RecordsInput, null>): void {
    if (value instanceof Uint8Array) {
      this.raw(value);
      return;
    }
    for (let i = 0; i < value.length; ) {
      const past = pastNeighbours(value, i);
      this.raw(past === i + 1 ? value[i]! : joined(value[i]!, value[past - 1]!));
      i = past;
    }
  }

  /** Reserves `length` bytes and returns their position, for the `At` methods. */
  take(length: number): number {
    if (this.#pos + length > this.#limit) this.#grow(length);
    const at = this.#pos;
    this.#pos = at + length;
    return at;
  }

  #grow(length: number): void {
    const slab = this.#slab;
    const isLast = slab !== undefined && slab.used === this.#limit;
    const limit = this.#pos + length + WRITER_INITIAL_BYTES;
    if (isLast && limit <= WRITER_SLAB_BYTES) {
      slab.used = limit;
      this.#limit = limit;
      return;
    }
    if (isLast) slab.used = this.#start;
    const written = this.#bytes.subarray(this.#start, this.#pos);
    let size = WRITER_INITIAL_BYTES * 2;
    while (size < written.byteLength + length) size *= 2;
    this.#slab = undefined;
    this.#bytes = new Uint8Array(size);
    this.#bytes.set(written);
    this.#view = new DataView(this.#bytes.buffer);
    this.#start = 0;
    this.#pos = written.byteLength;
    this.#limit = size;
  }

  #cut(): void {
    if (this.#pos === this.#start) return;
    this.#chunks.push(this.#bytes.subarray(this.#start, this.#pos));
    this.#chunkBytes += this.#pos - this.#start;
    this.#start = this.#pos;
  }
}

/**
 * The index past the slices that follow each other in memory from `first` on, as batches do that
 * were read from a file together: a chunk for each would only make the write slower.
 */
function pastNeighbours(slices: readonly Uint8Array[], first: number): number {
  const { buffer, byteOffset, byteLength } = slices[first]!;
  let end = byteOffset + byteLength;
  let i = first + 1;
  for (; i < slices.length; i++) {
    const slice = slices[i]!;
    if (slice.byteOffset !== end || slice.buffer !== buffer) break;
    end += slice.byteLength;
  }
  return i;
}

function joined(first: Uint8Array, last: Uint8Array): Uint8Array {
  const end = last.byteOffset + last.byteLength;
  return new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset);
}

function recordsBytes(value: Exclude<RecordsInput, null>): number {
  if (value instanceof Uint8Array) return value.byteLength;
  let total = 0;
  for (const slice of value) total += slice.byteLength;
  return total;
}

function outside(kind: string, value: number | bigint): never {
  throw new RangeError(`${value} does not fit ${kind}`);
}
