// What is read only if there is a store is loaded only then.
import type { CertifiedKey, KeystoreOptions, StoreOptions } from "./options.ts";

export { KeystoreError, type KeystoreErrorCode } from "./errors.ts";
export type { CertifiedKey, KeystoreOptions, StoreOptions } from "./options.ts";

const truststore = () => import("./truststore.ts");
const keystore = () => import("./keystore.ts");

/** Loads the code now, for a process that may read stores when an upgrade has deleted it. */
export async function loadReaders(): Promise<void> {
  await Promise.all([truststore(), keystore()]);
}

/**
 * The certificates that a truststore in PKCS#12 or JKS trusts, in PEM. Rejects with KeystoreError.
 */
export async function readTruststore(bytes: Uint8Array, options: StoreOptions): Promise<string> {
  const { certificatesToTrust } = await truststore();
  return certificatesToTrust(bytes, options);
}

/** The key and the certificates of a keystore in PKCS#12. Rejects with KeystoreError. */
export async function readKeystore(
  bytes: Uint8Array,
  options: KeystoreOptions,
): Promise<CertifiedKey> {
  const { certifiedKey } = await keystore();
  return certifiedKey(bytes, options);
}
export { isPem } from "./pem.ts";
