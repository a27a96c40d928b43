// What is read only if there is a store is loaded only then.
import type { CertifiedKey, KeystoreOptions, StoreOptions } from "./options.ts";

export { KeystoreError, type KeystoreErrorCode } from "./errors.ts";
export type { CertifiedKey, KeystoreOptions, StoreOptions } from "./options.ts";

/**
 * The certificates that a truststore in PKCS#12 or JKS trusts, in PEM. Rejects with KeystoreError.
 */
export async function readTruststore(bytes: Uint8Array, options: StoreOptions): Promise<string> {
  const { certificatesToTrust } = await import("./truststore.ts");
  return certificatesToTrust(bytes, options);
}

/** The key and the certificates of a keystore in PKCS#12. Rejects with KeystoreError. */
export async function readKeystore(
  bytes: Uint8Array,
  options: KeystoreOptions,
): Promise<CertifiedKey> {
  const { certifiedKey } = await import("./keystore.ts");
  return certifiedKey(bytes, options);
}
