/**
 * What is wrong with a store. The message goes on after the name of the file: "its password is
 * wrong"; it never has a password.
 */
export class KeystoreError extends Error {
  override readonly name = "KeystoreError";
  readonly code: KeystoreErrorCode;

  constructor(code: KeystoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** The text for a store of Java's configs `ssl.keystore` or `ssl.truststore`: which is wrong. */
  textFor(store: string): string {
    return `can't be used: ${this.message}${this.#passwordOf(store)}`;
  }

  #passwordOf(store: string): string {
    if (this.code === "TARPAN_KEYSTORE_PASSWORD") return ` (${store}.password)`;
    return this.code === "TARPAN_KEYSTORE_KEY_PASSWORD" ? " (ssl.key.password)" : "";
  }
}

/**
 * `…_PASSWORD`: the store's password is missing or wrong. `…_KEY_PASSWORD`: that of its key is.
 * `TARPAN_KEYSTORE`: anything else.
 */
export type KeystoreErrorCode =
  | "TARPAN_KEYSTORE"
  | "TARPAN_KEYSTORE_PASSWORD"
  | "TARPAN_KEYSTORE_KEY_PASSWORD";

export function unusable(message: string): KeystoreError {
  return new KeystoreError("TARPAN_KEYSTORE", message);
}

export function damaged(where: string): KeystoreError {
  return unusable(`it is damaged, or no PKCS#12 file: ${where}`);
}

export function unsupported(what: string): KeystoreError {
  return unusable(`it needs ${what}, which is not supported`);
}

/** A wrong password and a changed file look alike. Without a password, the empty one was tried. */
export function wrongPassword(password: string | undefined): KeystoreError {
  const why =
    password === undefined
      ? "it needs a password"
      : "its password is wrong, or the file was changed";
  return new KeystoreError("TARPAN_KEYSTORE_PASSWORD", why);
}
