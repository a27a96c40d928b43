// Writes the few types of ASN.1 that a certificate has, in DER (ITU-T X.690).

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_ID = 0x06;
export const UTF8_STRING = 0x0c;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(SEQUENCE, ...parts);
}

/** A value of a field that the structure numbers: `[0]`, around other values or as bytes. */
export function tagged(number: number, content: Uint8Array, constructed = true): Buffer {
  return der(0x80 | (constructed ? 0x20 : 0) | number, content);
}

/** A number without a sign. */
export function unsigned(bytes: Uint8Array): Buffer {
  return der(INTEGER, bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]));
}

/** `1.2.840.10045.2.1`. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(OBJECT_ID, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return der(BIT_STRING, Buffer.of(unused), bytes);
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from then on. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  const year = Number(digits.slice(0, 4));
  if (year < 2050) return der(0x17, Buffer.from(digits.slice(2)));
  return der(GENERALIZED_TIME, Buffer.from(digits));
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift(0x80 | (rest % 128));
  }
  return digits;
}
