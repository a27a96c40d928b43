import type { Random } from "../env/env.ts";

const HEX_DIGITS = Buffer.from("0123456789abcdef");
const UUID_LENGTH = 36;
const DASHES = [8, 13, 18, 23];
const DASH = 0x2d;

/** A random UUID (RFC 9562, version 4) as text. */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  // Texts that are put together of parts stay in parts, and are slow keys of maps.
  const text = Buffer.allocUnsafe(UUID_LENGTH);
  let at = 0;
  for (const byte of bytes) {
    if (DASHES.includes(at)) text[at++] = DASH;
    text[at++] = HEX_DIGITS[byte >> 4]!;
    text[at++] = HEX_DIGITS[byte & 0x0f]!;
  }
  return text.toString("latin1");
}

/**
 * A new topic's id. Kafka's tools show ids in URL-safe base64, where one that begins with '-'
 * looks like a flag on a command line: as Kafka does, such ids are not used.
 */
export function newTopicId(random: Random): string {
  for (;;) {
    const id = randomUuid(random);
    // In base64 six bits of value 62 are '-'.
    if (Number.parseInt(id.slice(0, 2), 16) >> 2 !== 62) return id;
  }
}

/** A random integer from 0 to 2^32-1. */
export function randomNumber(random: Random): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
