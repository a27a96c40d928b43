// Reads ASN.1 in BER (ITU-T X.690), of which DER is the part that Java and OpenSSL write. Others,
// as NSS, write values without a length, and bytes in pieces.
import { damaged, unusable } from "./errors.ts";

export const INTEGER = 0x02;
export const OCTET_STRING = 0x04;
export const OBJECT_ID = 0x06;
export const SEQUENCE = 0x30;
export const SET = 0x31;
/** The bit of a tag that says that the content is further values. */
const CONSTRUCTED = 0x20;
const WITHOUT_LENGTH = 0x80;
/** Values in values; a PKCS#12 file has fewer than ten. */
const MAX_DEPTH = 32;

export interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
}

/** The values in `bytes`, one after another. Throws KeystoreError, as all functions here. */
export function valuesIn(bytes: Uint8Array, depth = 0): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value, end } = valueAt(bytes, at, depth);
    values.push(value);
    at = end;
  }
  return values;
}

/** The first value of `bytes`, and nothing after it. */
export function oneValue(bytes: Uint8Array): Value {
  if (bytes.length === 0) throw unusable("it is empty");
  const { value, end } = valueAt(bytes, 0, 0);
  if (end !== bytes.length) throw damaged(`${bytes.length - end} bytes follow its end`);
  return value;
}

function valueAt(bytes: Uint8Array, start: number, depth: number) {
  const tag = byteAt(bytes, start);
  if ((tag & 0x1f) === 0x1f || depth > MAX_DEPTH) throw damaged("its structure is not known");
  const first = byteAt(bytes, start + 1);
  if (first === WITHOUT_LENGTH) return withoutLength(bytes, start, depth);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4) throw damaged("a length in it is too large");
  let length = lengthBytes === 0 ? first : 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + byteAt(bytes, start + 2 + i);
  const begin = start + 2 + lengthBytes;
  const end = begin + length;
  if (end > bytes.length) throw damaged("its end is missing");
  const content = bytes.subarray(begin, end);
  return { value: { tag, content, whole: bytes.subarray(start, end) }, end };
}

/** Ends at two zeros, which are a value of tag 0. */
function withoutLength(bytes: Uint8Array, start: number, depth: number) {
  const tag = byteAt(bytes, start);
  if ((tag & CONSTRUCTED) === 0) throw damaged("a length in it is missing");
  let at = start + 2;
  while (byteAt(bytes, at) !== 0 || byteAt(bytes, at + 1) !== 0) {
    at = valueAt(bytes, at, depth + 1).end;
  }
  const end = at + 2;
  const content = bytes.subarray(start + 2, at);
  return { value: { tag, content, whole: bytes.subarray(start, end) }, end };
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw damaged("its end is missing");
  return byte;
}

/** The values in a SEQUENCE, or in whatever `tag` says. */
export function partsOf(value: Value | undefined, tag: number = SEQUENCE): readonly Value[] {
  if (value?.tag !== tag) throw damaged("its structure is not known");
  return valuesIn(value.content);
}

/** The value in a field `[number]`. */
export function inField(value: Value | undefined, number = 0): Value {
  const [inner] = partsOf(value, 0xa0 | number);
  if (inner === undefined) throw damaged("a field of it is empty");
  return inner;
}

/** `tag` is that of the OCTET STRING, or the one that a field gives it. */
export function octetsOf(value: Value | undefined, tag: number = OCTET_STRING, depth = 0): Buffer {
  if (value?.tag === tag) return Buffer.from(value.content);
  if (value?.tag !== (tag | CONSTRUCTED) || depth > MAX_DEPTH) {
    throw damaged("its structure is not known");
  }
  const pieces = valuesIn(value.content);
  return Buffer.concat(pieces.map((piece) => octetsOf(piece, OCTET_STRING, depth + 1)));
}

/** A number from 0 to 2^48 - 1. */
export function numberOf(value: Value | undefined): number {
  const { tag, content } = value ?? { tag: 0, content: new Uint8Array(0) };
  if (tag !== INTEGER || content.length === 0) throw damaged("a number is missing in it");
  const digits = content.subarray(content[0] === 0 ? 1 : 0);
  if (digits.length > 6 || content[0]! >= 0x80) throw damaged("a number in it is too large");
  return digits.reduce((number, byte) => number * 256 + byte, 0);
}

/** `1.2.840.113549.1.7.1`. */
export function objectIdOf(value: Value | undefined): string {
  if (value?.tag !== OBJECT_ID || value.content.length === 0) {
    throw damaged("the name of a type is missing in it");
  }
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value.content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (numbers.length === 0) {
      const first = Math.min(2, Math.floor(number / 40));
      numbers.push(first);
      number -= first * 40;
    }
    numbers.push(number);
    number = 0;
  }
  return numbers.join(".");
}
