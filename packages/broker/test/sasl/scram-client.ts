import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";

const HASHES = { "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" } as const;

/** The client's side of SCRAM, written from RFC 5802 apart from the broker's. */
export class ScramClient {
  readonly #hash: string;
  readonly #user: string;
  readonly #password: string;
  readonly #bare: string;
  #serverSignature: Buffer = Buffer.alloc(0);

  constructor(mechanism: keyof typeof HASHES, user: string, password: string, nonce = "abcdef") {
    this.#hash = HASHES[mechanism];
    this.#user = user;
    this.#password = password;
    this.#bare = `n=${this.#user.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  }

  first(): Buffer {
    return Buffer.from(`n,,${this.#bare}`);
  }

  final(serverFirst: Uint8Array): Buffer {
    const text = Buffer.from(serverFirst).toString();
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(text)!;
    const length = this.#hash === "sha256" ? 32 : 64;
    const saltBytes = Buffer.from(salt!, "base64");
    const salted = pbkdf2Sync(this.#password, saltBytes, Number(iterations), length, this.#hash);
    const withoutProof = `c=biws,r=${nonce}`;
    const signed = `${this.#bare},${text},${withoutProof}`;
    const clientKey = this.#hmac(salted, "Client Key");
    const storedKey = createHash(this.#hash).update(clientKey).digest();
    const signature = this.#hmac(storedKey, signed);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
    this.#serverSignature = this.#hmac(this.#hmac(salted, "Server Key"), signed);
    return Buffer.from(`${withoutProof},p=${proof.toString("base64")}`);
  }

  /** Whether the server knows the password, too. */
  trusts(serverFinal: Uint8Array): boolean {
    const text = Buffer.from(serverFinal).toString();
    const signature = Buffer.from(text.slice("v=".length), "base64");
    return text.startsWith("v=") && timingSafeEqual(signature, this.#serverSignature);
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }
}
