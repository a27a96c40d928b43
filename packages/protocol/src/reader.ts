import { MAX_ELEMENTS_PER_FRAME, MAX_STRING_BYTES } from "./limits.ts";
import { malformed } from "./protocol-error.ts";
import { decodeText, textBytes } from "./text.ts";
import { decodeUuid } from "./uuid.ts";

/**
 * A cursor over one frame.
 *
 * 1. Every failure is a ProtocolError. No byte outside the frame is read.
 * 2. A length in the frame is compared with the remaining bytes before anything is allocated for
 *    it.
 * 3. Byte fields are views of the frame, never copies.
 */
export class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly end: number;
  pos = 0;
  #elementsLeft = MAX_ELEMENTS_PER_FRAME;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  /** Throws unless the whole frame was read. */
  assertEnd(): void {
    if (this.pos !== this.end) malformed(`${this.remaining} bytes left over after the message`);
  }

  /** Skips `length` bytes and returns the position where they start. */
  take(length: number): number {
    const at = this.pos;
    if (length > this.end - at) malformed(`${length} bytes wanted, ${this.end - at} left`);
    this.pos = at + length;
    return at;
  }

  bool(): boolean {
    return this.view.getInt8(this.take(1)) !== 0;
  }
  i8(): number {
    return this.view.getInt8(this.take(1));
  }
  i16(): number {
    return this.view.getInt16(this.take(2));
  }
  u16(): number {
    return this.view.getUint16(this.take(2));
  }
  i32(): number {
    return this.view.getInt32(this.take(4));
  }
  u32(): number {
    return this.view.getUint32(this.take(4));
  }
  i64(): bigint {
    return this.view.getBigInt64(this.take(8));
  }
  f64(): number {
    return this.view.getFloat64(this.take(8));
  }
  uuid(): string {
    return decodeUuid(this.view, this.take(16));
  }
  offset(): number {
    return this.offsetAt(this.take(8));
  }

  /**
   * The int64 at a checked position, as a number. A value beyond the safe integers is read as the
   * largest (or smallest) safe integer: that offset is outside every log too.
   */
  offsetAt(at: number): number {
    const high = this.view.getInt32(at);
    if (high > 0x1fffff) return Number.MAX_SAFE_INTEGER;
    if (high < -0x200000) return Number.MIN_SAFE_INTEGER;
    return high * 0x100000000 + this.view.getUint32(at + 4);
  }

  uvarint(): number {
    const { bytes, end } = this;
    let at = this.pos;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= end) malformed("the frame ends inside a varint");
      const byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.pos = at;
        return value;
      }
    }
    if (at >= end) malformed("the frame ends inside a varint");
    const last = bytes[at++]!;
    if (last > 0x0f) malformed("a varint over 32 bits");
    this.pos = at;
    return (value | (last << 28)) >>> 0;
  }

  /** Reads `length` bytes as UTF-8. */
  text(length: number): string {
    if (length > MAX_STRING_BYTES) malformed(`a string of ${length} bytes`);
    const at = this.take(length);
    const text = decodeText(this.bytes, at, at + length);
    // A byte that is not UTF-8 has become U+FFFD, of three bytes: what is read must fit when it is
    // written again, into a response, a record or a message to another broker.
    if (length * 3 > MAX_STRING_BYTES && textBytes(text) > MAX_STRING_BYTES) {
      malformed(`a string of ${length} bytes that are not UTF-8`);
    }
    return text;
  }

  /** Reads `length` bytes as a view of the frame. */
  slice(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Checks an array's length: that many elements of at least `minBytes` must fit the frame. */
  count(length: number, minBytes: number): number {
    if (length * minBytes > this.end - this.pos)
      malformed(`an array of ${length} beyond the frame`);
    this.#elementsLeft -= length;
    if (this.#elementsLeft < 0) malformed("more array elements than one frame may hold");
    return length;
  }

  /** Skips all tagged fields of a struct. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.take(this.uvarint());
    }
  }
}
