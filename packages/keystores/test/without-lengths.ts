import { inField, octetsOf, oneValue, partsOf, type Value, valuesIn } from "../src/der.ts";

const CONSTRUCTED = 0x20;

/** A PKCS#12 file whose outer values have no length, and whose bytes are in pieces. */
export function inPiecesWithoutLengths(store: Uint8Array): Buffer {
  const [version, content, mac] = partsOf(oneValue(store));
  const [type, inner] = partsOf(content);
  const safe = octetsOf(inField(inner));
  const field = open(0xa0, [open(0x24, pieces(safe))]);
  return open(0x30, [
    ...[Buffer.from(version!.whole), open(0x30, [Buffer.from(type!.whole), field])],
    ...(mac === undefined ? [] : [reopened(mac)]),
  ]);
}

function reopened(value: Value): Buffer {
  if ((value.tag & CONSTRUCTED) === 0) return Buffer.from(value.whole);
  return open(value.tag, valuesIn(value.content).map(reopened));
}

function open(tag: number, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x80), ...parts, Buffer.of(0, 0)]);
}

function pieces(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 100) {
    const piece = bytes.subarray(at, at + 100);
    found.push(Buffer.concat([Buffer.of(0x04, piece.length), piece]));
  }
  return found;
}
