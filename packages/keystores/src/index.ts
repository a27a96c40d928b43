// What is read only if there is a store is loaded only then.
export { KeystoreError, type KeystoreErrorCode } from "./errors.ts";

export interface StoreOptions {
  /** Of the store. Without it, what is not encrypted is read, and nothing is checked. */
  readonly password?: string | undefined;
  /** What commands in messages call the file. */
  readonly path?: string | undefined;
}

export interface KeystoreOptions extends StoreOptions {
  /** Of the key, if it is not that of the store. */
  readonly keyPassword?: string | undefined;
}

/** A private key, and its certificate with those that signed it, in PEM. */
export interface CertifiedKey {
  readonly cert: string;
  readonly key: string;
}

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
