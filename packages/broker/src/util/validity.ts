import type { X509Certificate } from "node:crypto";

/** A certificate that ends. */
export interface Validity {
  /** On one line, for the log. */
  readonly subject: string;
  /** Ms since the epoch. */
  readonly expiresMs: number;
}

const BLOCK = /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----[^-]+-----END [^\n]+/g;

/** The blocks of a text in PEM that are certificates. */
export function certificateBlocks(text: string): readonly string[] {
  return text.match(BLOCK) ?? [];
}

export function validityOf({ subject, serialNumber, validTo }: X509Certificate): Validity {
  // Node has undefined for a name without parts.
  const name = (subject as string | undefined)?.replaceAll(/\s+/g, " ") ?? `serial ${serialNumber}`;
  return { subject: name, expiresMs: Date.parse(validTo) };
}

/** Null of none. */
export function earliestMs(all: readonly Validity[]): number | null {
  if (all.length === 0) return null;
  return all.reduce((least, { expiresMs }) => Math.min(least, expiresMs), Number.POSITIVE_INFINITY);
}

/** Finds certificates that have expired, each once. */
export class NewlyExpired {
  readonly #told = new Set<string>();

  /** Each as a text that names it. */
  among(all: readonly Validity[], nowMs: number): string[] {
    const found = all
      .filter(({ expiresMs }) => expiresMs <= nowMs)
      .map(({ subject, expiresMs }) => `${subject}, at ${new Date(expiresMs).toISOString()}`)
      .filter((text) => !this.#told.has(text));
    for (const text of found) this.#told.add(text);
    return found;
  }
}
