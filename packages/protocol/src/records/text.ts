// TextEncoder and TextDecoder exist in every runtime, but not in TypeScript's ES library.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: "utf-8",
  options: { ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Names that are kept at most, and characters of one. */
const KEPT_NAMES = 256;
const KEPT_LENGTH = 64;
const kept = new Map<string, Uint8Array>();

/** A header's key in UTF-8. Few names are in use, each in many records, so their bytes are kept. */
export function headerKeyBytes(name: string): Uint8Array {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const bytes = encoder.encode(name);
  if (name.length > KEPT_LENGTH) return bytes;
  if (kept.size >= KEPT_NAMES) kept.clear();
  kept.set(name, bytes);
  return bytes;
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
