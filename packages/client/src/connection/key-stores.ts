// Keystores and truststores of Java programs, for a client's `tls`.
import {
  type CertifiedKey,
  KeystoreError,
  type KeystoreOptions,
  readKeystore as readKeys,
  readTruststore as readTrusted,
  type StoreOptions,
} from "@tarpan/keystores";
import { anyString, byteArray, type Checks, checkOptions } from "../checks/checks.ts";
import { ClientError } from "../errors.ts";
import { secret } from "./security.ts";

const STORE: Checks<StoreOptions> = { password: secret, path: anyString };
const KEYSTORE: Checks<KeystoreOptions> = { ...STORE, keyPassword: secret };

/**
 * For `tls.ca`: the certificates that a truststore in PKCS#12 or JKS trusts, in PEM. Rejects with
 * TARPAN_KEYSTORE or TARPAN_KEYSTORE_PASSWORD.
 */
export async function readTruststore(
  bytes: Uint8Array,
  options: StoreOptions = {},
): Promise<string> {
  check("readTruststore", bytes, options, STORE);
  return asClientError("the truststore", readTrusted(bytes, options));
}

/**
 * For `tls`: the key and the certificates of a keystore in PKCS#12. Rejects with TARPAN_KEYSTORE,
 * TARPAN_KEYSTORE_PASSWORD or TARPAN_KEYSTORE_KEY_PASSWORD.
 */
export async function readKeystore(
  bytes: Uint8Array,
  options: KeystoreOptions = {},
): Promise<CertifiedKey> {
  check("readKeystore", bytes, options, KEYSTORE);
  return asClientError("the keystore", readKeys(bytes, options));
}

function check<T extends object>(name: string, bytes: unknown, options: T, checks: Checks<T>) {
  const problem = byteArray("bytes", bytes);
  if (problem !== null) throw new ClientError("TARPAN_BAD_ARGUMENT", `${name}: ${problem}`);
  checkOptions(name, options, checks);
}

async function asClientError<T>(what: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error;
    throw new ClientError(error.code, `${what} can't be used: ${error.message}`, { cause: error });
  }
}
