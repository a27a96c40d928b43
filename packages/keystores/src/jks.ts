// Java's own format of a keystore, which was its default before Java 9. Its certificates are not
// encrypted, and a hash with the password shows that they are those that somebody has put there.
// Its keys are encrypted in a way of its own, and are passed over.
import { createHash, timingSafeEqual } from "node:crypto";
import { type KeystoreError, unusable, wrongPassword } from "./errors.ts";

const MAGIC = 0xfeedfeed;
/** Of the same format with other keys. */
const JCEKS_MAGIC = 0xcececece;
/** Java hashes it between the password and the store. */
const WHITENER = "Mighty Aphrodite";
const HASH_LENGTH = 20;

/** Since Java 1.2. */
const VERSION = 2;

const PRIVATE_KEY = 1;
const CERTIFICATE = 2;

export function isJks(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4));
  return start.length === 4 && [MAGIC, JCEKS_MAGIC].includes(start.readUInt32BE());
}

/** What to do about a file that has something which only Java can read. */
export function onlyJavaReads(what: string, path: string): KeystoreError {
  return unusable(
    `only Java reads ${what}; make a PKCS#12 file of it: keytool -importkeystore ` +
      `-srckeystore ${path} -destkeystore ${path}.p12 -deststoretype PKCS12`,
  );
}

/**
 * The certificates to trust, and of each key its own, in DER. Throws KeystoreError. Without a
 * password the hash is not checked, as in Java.
 */
export function readJks(
  bytes: Uint8Array,
  password: string | undefined,
  path: string,
): readonly Buffer[] {
  const content = bytes.subarray(0, Math.max(0, bytes.length - HASH_LENGTH));
  const input = new JksInput(content);
  const magic = input.number();
  if (magic === JCEKS_MAGIC) throw onlyJavaReads("a JCEKS file", path);
  if (magic !== MAGIC || input.number() !== VERSION) throw damagedJks();
  const certificates: Buffer[] = [];
  for (let left = input.number(); left > 0; left--) {
    const tag = input.number();
    input.text();
    input.skip(8);
    if (tag === PRIVATE_KEY) {
      input.bytes();
      const chain = Array.from({ length: input.count() }, () => certificate(input));
      certificates.push(...chain.slice(0, 1));
    } else if (tag === CERTIFICATE) {
      certificates.push(certificate(input));
    } else {
      throw damagedJks();
    }
  }
  if (!input.isAtEnd) throw damagedJks();
  if (password !== undefined) checkHash(content, bytes.subarray(content.length), password);
  return certificates;
}

function certificate(input: JksInput): Buffer {
  const type = input.text();
  const bytes = input.bytes();
  if (type !== "X.509") throw unusable(`it has a certificate of the type ${JSON.stringify(type)}`);
  return bytes;
}

function checkHash(content: Uint8Array, expected: Uint8Array, password: string): void {
  const hash = createHash("sha1").update(Buffer.from(password, "utf16le").swap16());
  const actual = hash.update(WHITENER).update(content).digest();
  if (!timingSafeEqual(actual, expected)) throw wrongPassword(password);
}

function damagedJks() {
  return unusable("it is a damaged JKS file");
}

class JksInput {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number {
    return this.#take(4).readUInt32BE();
  }

  /** Of things that take a byte at least. */
  count(): number {
    const count = this.number();
    if (count > this.#bytes.length - this.#at) throw damagedJks();
    return count;
  }

  text(): string {
    return this.#take(this.#take(2).readUInt16BE()).toString();
  }

  bytes(): Buffer {
    return this.#take(this.number());
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw damagedJks();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
