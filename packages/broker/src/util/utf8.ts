/**
 * The text of a file with a password, without the byte order mark that Windows writes. Null for
 * anything else, such as UTF-16 or random bytes: those would all become the same character.
 */
export function inUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
