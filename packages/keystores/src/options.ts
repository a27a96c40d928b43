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
