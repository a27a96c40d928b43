// The structure of a PKCS#12 file (RFC 7292).
import { createHmac, timingSafeEqual } from "node:crypto";
import {
  inField,
  numberOf,
  objectIdOf,
  octetsOf,
  oneValue,
  partsOf,
  SEQUENCE,
  SET,
  type Value,
  valuesIn,
} from "./der.ts";
import { damaged, unsupported, wrongPassword } from "./errors.ts";
import { Iterations } from "./iterations.ts";
import { decrypted } from "./password-encryption.ts";
import { MAC, passwordBytes, pkcs12Key } from "./pkcs12-kdf.ts";

export interface Pkcs12 {
  readonly certificates: readonly CertificateBag[];
  readonly keys: readonly KeyBag[];
}

export interface CertificateBag {
  /** In DER. */
  readonly bytes: Buffer;
  /** Whether Java has it as a certificate to trust. */
  readonly isTrusted: boolean;
  /** Says which key it belongs to; empty if it says nothing. */
  readonly keyId: string;
}

export interface KeyBag {
  readonly keyId: string;
  /** The key in PKCS#8. Rejects with KeystoreError. */
  open(password: string | undefined): Promise<Buffer>;
}

const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA = "1.2.840.113549.1.7.6";

/** Rejects with KeystoreError. Without a password only the certificates that need none are read. */
export async function readPkcs12(
  bytes: Uint8Array,
  password: string | undefined,
  iterations = new Iterations(),
): Promise<Pkcs12> {
  const [version, content, mac] = partsOf(oneValue(bytes));
  if (numberOf(version) !== 3) throw damaged("its version is not 3");
  const [type, inner] = partsOf(content);
  if (objectIdOf(type) !== DATA) throw unsupported("a signature of the whole file");
  const safe = octetsOf(inField(inner));
  const parts = partsOf(oneValue(safe)).map((part) => partsOf(part));
  const needsPassword = parts.some(([name]) => objectIdOf(name) === ENCRYPTED_DATA);
  // Java does not check a store that it opens without a password, either.
  if (mac !== undefined && (needsPassword || password !== undefined)) {
    await checkMac(mac, safe, password, iterations);
  }
  const found: { certificates: CertificateBag[]; keys: KeyBag[] } = { certificates: [], keys: [] };
  for (const part of parts) {
    const contents = await safeContents(part, password, iterations);
    for (const bag of partsOf(oneValue(contents))) takeBag(bag, found, iterations);
  }
  return found;
}

async function safeContents(
  [type, content]: readonly Value[],
  password: string | undefined,
  iterations: Iterations,
): Promise<Buffer> {
  const id = objectIdOf(type);
  if (id === DATA) return octetsOf(inField(content));
  if (id !== ENCRYPTED_DATA) throw unsupported("a private key for the whole file");
  const [, encrypted] = partsOf(inField(content));
  const [, algorithm, octets] = partsOf(encrypted);
  return decrypted(algorithm, octetsOf(octets, 0x80), password, iterations);
}

/** By their AlgorithmIdentifiers. */
const DIGESTS: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.4": "sha224",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

async function checkMac(
  mac: Value,
  safe: Buffer,
  password: string | undefined,
  iterations: Iterations,
): Promise<void> {
  const [digestInfo, salt, count] = partsOf(mac);
  const [algorithm, digest] = partsOf(digestInfo);
  const id = objectIdOf(partsOf(algorithm)[0]);
  const name = DIGESTS[id];
  if (name === undefined) throw unsupported(`the message authentication code ${id}`);
  const expected = octetsOf(digest);
  const times = count === undefined ? 1 : numberOf(count);
  const kdf = { digest: name, salt: octetsOf(salt), iterations: times };
  // Some write an empty password as no bytes at all.
  const forms = password ? [passwordBytes(password)] : [passwordBytes(""), Buffer.alloc(0)];
  for (const form of forms) {
    iterations.spend(times);
    const key = await pkcs12Key(kdf, form, MAC, expected.length);
    const actual = createHmac(name, key).update(safe).digest();
    if (actual.length === expected.length && timingSafeEqual(actual, expected)) return;
  }
  throw wrongPassword(password);
}

const BAGS = "1.2.840.113549.1.12.10.1.";
const KEY_BAG = `${BAGS}1`;
const ENCRYPTED_KEY_BAG = `${BAGS}2`;
const CERTIFICATE_BAG = `${BAGS}3`;
const X509 = "1.2.840.113549.1.9.22.1";

/** Passes over what is neither a key nor a certificate, as Java does. */
function takeBag(
  bag: Value,
  found: { certificates: CertificateBag[]; keys: KeyBag[] },
  iterations: Iterations,
): void {
  const [type, value, attributes] = partsOf(bag);
  const id = objectIdOf(type);
  if (![KEY_BAG, ENCRYPTED_KEY_BAG, CERTIFICATE_BAG].includes(id)) return;
  const inner = inField(value);
  const { keyId, isTrusted } = meaningOf(attributes);
  if (id === KEY_BAG) {
    found.keys.push({ keyId, open: async () => Buffer.from(inner.whole) });
  } else if (id === ENCRYPTED_KEY_BAG) {
    const [algorithm, encrypted] = partsOf(inner);
    const octets = octetsOf(encrypted);
    const open = (password: string | undefined) =>
      decrypted(algorithm, octets, password, iterations);
    found.keys.push({ keyId, open });
  } else {
    const [kind, certificate] = partsOf(inner);
    if (objectIdOf(kind) !== X509) return;
    found.certificates.push({ bytes: octetsOf(inField(certificate)), isTrusted, keyId });
  }
}

const LOCAL_KEY_ID = "1.2.840.113549.1.9.21";
/** Java's mark of certificates to trust; its value is for which purposes, and Java ignores it. */
const TRUSTED_KEY_USAGE = "2.16.840.1.113894.746875.1.1";

function meaningOf(attributes: Value | undefined) {
  const values = new Map<string, readonly Value[]>();
  for (const attribute of attributes === undefined ? [] : partsOf(attributes, SET)) {
    const [name, set] = partsOf(attribute, SEQUENCE);
    values.set(objectIdOf(name), set === undefined ? [] : valuesIn(set.content));
  }
  const [id] = values.get(LOCAL_KEY_ID) ?? [];
  return {
    keyId: id === undefined ? "" : octetsOf(id).toString("hex"),
    isTrusted: values.has(TRUSTED_KEY_USAGE),
  };
}
