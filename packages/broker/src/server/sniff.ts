/** Bytes that identify a client's protocol. */
export const SNIFF_BYTES = 4;

export type Speech = "kafka" | "http";

const HTTP_METHODS = new Set(
  ["GET ", "POST", "HEAD", "PUT ", "DELE", "OPTI", "PATC"].map((method) =>
    [...method].reduce((bits, letter) => (bits << 8) | letter.charCodeAt(0), 0),
  ),
);

/**
 * Distinguishes HTTP from Kafka by the first four bytes: as the length of a Kafka frame, every HTTP
 * method is above 1 GB, ten times the largest frame. Null for fewer than four bytes.
 */
export function sniff(firstBytes: Uint8Array): Speech | null {
  if (firstBytes.length < SNIFF_BYTES) return null;
  const [a, b, c, d] = firstBytes as unknown as [number, number, number, number];
  return HTTP_METHODS.has((a << 24) | (b << 16) | (c << 8) | d) ? "http" : "kafka";
}
