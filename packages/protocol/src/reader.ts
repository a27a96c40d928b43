import { MAX_ELEMENTS_PER_FRAME, MAX_STRING_BYTES } from "./limits.ts";
import { malformed } from "./protocol-error.ts";
import { decodeText } from "./text.ts";
import { decodeUuid } from "./uuid.ts";

/**
 * A cursor over one frame.
 *
 * 1. Every failure is a ProtocolError, and nothing beyond the frame is ever read.
 * 2. No length taken from the frame leads to an allocation before it is checked against what
 *    remains.
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

  /** Steps over `length` bytes and returns where they start. */
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
   * The int64 at a position already checked, as a number. What no number holds is read as the
   * outermost safe one: it lies outside every log just as well, and is answered so.
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

  /** `length` bytes as text. */
  text(length: number): string {
    if (length > MAX_STRING_BYTES) malformed(`a string of ${length} bytes`);
    const at = this.take(length);
    return decodeText(this.bytes, at, at + length);
  }

  /** `length` bytes as a view. */
  slice(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** An array's length, refused unless that many elements of at least `minBytes` can follow. */
  count(length: number, minBytes: number): number {
    if (length * minBytes > this.end - this.pos)
      malformed(`an array of ${length} beyond the frame`);
    this.#elementsLeft -= length;
    if (this.#elementsLeft < 0) malformed("more array elements than one frame may hold");
    return length;
  }

  /** Steps over a whole tagged section of which no tag is known. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.take(this.uvarint());
    }
  }
}
