// Whom a truststore trusts: as Java, those that it marks as trusted, and of each key its own
// certificate, but not those that signed it.
import { unusable } from "./errors.ts";
import { isJks, readJks } from "./jks.ts";
import type { StoreOptions } from "./options.ts";
import { pemOf } from "./pem.ts";
import { readPkcs12 } from "./pkcs12.ts";

export async function certificatesToTrust(
  bytes: Uint8Array,
  { password, path = "FILE" }: StoreOptions,
): Promise<string> {
  const trusted = isJks(bytes)
    ? readJks(bytes, password, path)
    : await trustedByPkcs12(bytes, password);
  if (trusted.length > 0) return trusted.map(pemOf).join("");
  throw unusable("it has no certificate to trust");
}

async function trustedByPkcs12(bytes: Uint8Array, password: string | undefined) {
  const { certificates, keys } = await readPkcs12(bytes, password);
  const keyIds = new Set(keys.map(({ keyId }) => keyId).filter((keyId) => keyId !== ""));
  const trusted = certificates.filter(({ isTrusted, keyId }) => isTrusted || keyIds.has(keyId));
  if (trusted.length === 0 && keys.length > 0) {
    throw unusable("it has a private key, and no certificate to trust");
  }
  // OpenSSL marks none. Java would trust nobody then.
  const all = trusted.length > 0 ? trusted : certificates;
  return all.map((one) => one.bytes);
}
