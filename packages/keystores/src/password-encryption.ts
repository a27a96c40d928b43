// Decrypts by a password, as the store says: by PBES2 (RFC 8018), which Java 9 and OpenSSL 3 write,
// or by PKCS#12's own ways (RFC 7292, appendix C), which were the default before.
import { createDecipheriv, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { numberOf, objectIdOf, octetsOf, partsOf, SEQUENCE, type Value } from "./der.ts";
import { damaged, unsupported, wrongPassword } from "./errors.ts";
import type { Iterations } from "./iterations.ts";
import { IV, KEY, passwordBytes, pkcs12Key } from "./pkcs12-kdf.ts";
import { decryptRc2 } from "./rc2.ts";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";

interface Cipher {
  readonly name: string;
  readonly keyLength: number;
  readonly ivLength: number;
}

const TRIPLE_DES: Cipher = { name: "des-ede3-cbc", keyLength: 24, ivLength: 8 };
const RC2 = "rc2";

const OLD_CIPHERS: Readonly<Record<string, Cipher>> = {
  "1.2.840.113549.1.12.1.3": TRIPLE_DES,
  "1.2.840.113549.1.12.1.5": { name: RC2, keyLength: 16, ivLength: 8 },
  "1.2.840.113549.1.12.1.6": { name: RC2, keyLength: 5, ivLength: 8 },
};

const CIPHERS: Readonly<Record<string, Cipher>> = {
  "2.16.840.1.101.3.4.1.2": { name: "aes-128-cbc", keyLength: 16, ivLength: 16 },
  "2.16.840.1.101.3.4.1.22": { name: "aes-192-cbc", keyLength: 24, ivLength: 16 },
  "2.16.840.1.101.3.4.1.42": { name: "aes-256-cbc", keyLength: 32, ivLength: 16 },
  "1.2.840.113549.3.7": TRIPLE_DES,
};

/** Hashes of HMACs. */
const HMACS: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.8": "sha224",
  "1.2.840.113549.2.9": "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};

/** Rejects with KeystoreError. `algorithm` is an AlgorithmIdentifier. */
export async function decrypted(
  algorithm: Value | undefined,
  encrypted: Uint8Array,
  password: string | undefined,
  iterations: Iterations,
): Promise<Buffer> {
  const [name, parameters] = partsOf(algorithm);
  const id = objectIdOf(name);
  const old = OLD_CIPHERS[id];
  if (id !== PBES2 && old === undefined) throw unsupported(`the encryption ${id}`);
  const { cipher, key, iv } = await (old === undefined
    ? keyOfPbes2(parameters, password ?? "", iterations)
    : keyOfPkcs12(old, parameters, password ?? "", iterations));
  if (iv.length !== cipher.ivLength) throw damaged("an initial vector has the wrong length");
  const plain =
    cipher.name === RC2 ? decryptRc2(key, iv, encrypted) : byNode(cipher.name, key, iv, encrypted);
  if (plain === null) throw wrongPassword(password);
  return plain;
}

/** Null if the padding is wrong. */
function byNode(name: string, key: Buffer, iv: Buffer, encrypted: Uint8Array): Buffer | null {
  const decipher = createDecipheriv(name, key, iv);
  try {
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  } catch {
    return null;
  }
}

interface CipherKey {
  readonly cipher: Cipher;
  readonly key: Buffer;
  readonly iv: Buffer;
}

async function keyOfPkcs12(
  cipher: Cipher,
  parameters: Value | undefined,
  password: string,
  iterations: Iterations,
): Promise<CipherKey> {
  const [salt, count] = partsOf(parameters);
  // A key of more than 20 bytes takes them twice, and the initial vector once more.
  const blocks = Math.ceil(cipher.keyLength / 20) + 1;
  const times = numberOf(count);
  iterations.spend(times * blocks);
  const kdf = { digest: "sha1", salt: octetsOf(salt), iterations: times };
  const bytes = passwordBytes(password);
  const key = await pkcs12Key(kdf, bytes, KEY, cipher.keyLength);
  return { cipher, key, iv: await pkcs12Key(kdf, bytes, IV, cipher.ivLength) };
}

async function keyOfPbes2(
  parameters: Value | undefined,
  password: string,
  iterations: Iterations,
): Promise<CipherKey> {
  const [derivation, scheme] = partsOf(parameters);
  const [derivationName, derivationParameters] = partsOf(derivation);
  if (objectIdOf(derivationName) !== PBKDF2) {
    throw unsupported(`the derivation of keys ${objectIdOf(derivationName)}`);
  }
  const [salt, count, ...rest] = partsOf(derivationParameters);
  // A length of the key may come first: that of the cipher.
  const hmac = rest.find(({ tag }) => tag === SEQUENCE);
  const hmacName = hmac === undefined ? "1.2.840.113549.2.7" : objectIdOf(partsOf(hmac)[0]);
  const digest = HMACS[hmacName];
  if (digest === undefined) throw unsupported(`the HMAC ${hmacName}`);
  const [cipherName, iv] = partsOf(scheme);
  const cipher = CIPHERS[objectIdOf(cipherName)];
  if (cipher === undefined) throw unsupported(`the encryption ${objectIdOf(cipherName)}`);
  const times = iterations.spend(numberOf(count));
  const derive = promisify(pbkdf2);
  const key = await derive(password, octetsOf(salt), times, cipher.keyLength, digest);
  return { cipher, key, iv: octetsOf(iv) };
}
