// The client's side of SASL: PLAIN (RFC 4616), SCRAM (RFC 5802) and OAUTHBEARER (RFC 7628).
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { ClientError } from "../errors.ts";
import { askForToken } from "./ask-for-token.ts";
import type { BearerToken, PasswordOptions, SaslOptions } from "./security.ts";

/** Sends a token to the broker, and resolves to its answer. Rejects if the broker refuses. */
type Exchange = (token: Uint8Array) => Promise<Uint8Array>;

/** All that a log-in needs. */
export type Login = PasswordOptions | { mechanism: "OAUTHBEARER"; token: BearerToken };

/** Asks for a token if one is needed. Rejects with TARPAN_SASL without a usable one. */
export async function loginOf(options: SaslOptions, timeoutMs: number): Promise<Login> {
  if (options.mechanism !== "OAUTHBEARER") return options;
  const token = await askForToken(options.oauthBearerProvider, timeoutMs);
  return { mechanism: "OAUTHBEARER", token };
}

/** Rejects with TARPAN_SASL for a broker that can't be trusted. */
export async function logIn(login: Login, exchange: Exchange): Promise<void> {
  if (login.mechanism === "OAUTHBEARER") return bearer(login.token, exchange);
  if (login.mechanism !== "PLAIN") return scram(login, exchange);
  await exchange(Buffer.from(`\0${login.username}\0${login.password}`));
}

async function bearer({ value, extensions = {} }: BearerToken, exchange: Exchange): Promise<void> {
  const pairs = Object.entries(extensions).map(([name, text]) => `${name}=${text}\x01`);
  const answer = await exchange(
    Buffer.from(`n,,\x01auth=Bearer ${value}\x01${pairs.join("")}\x01`),
  );
  if (answer.length === 0) return;
  // The broker has said why it refuses the token. It ends the exchange when that is confirmed.
  await exchange(Uint8Array.of(1));
  throw untrusted("refused the token, and then did not");
}

const HASHES = {
  "SCRAM-SHA-256": { hash: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { hash: "sha512", bytes: 64 },
} as const;

/** Fewer would make the password easy to guess for who listens, more would take minutes. */
const MIN_ITERATIONS = 4_096;
const MAX_ITERATIONS = 1_000_000;

const derive = promisify(pbkdf2);

async function scram(options: PasswordOptions, exchange: Exchange): Promise<void> {
  const { hash, bytes } = HASHES[options.mechanism as keyof typeof HASHES];
  const hmac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest();
  const nonce = randomBytes(24).toString("base64");
  const name = options.username.replaceAll("=", "=3D").replaceAll(",", "=2C");
  const bare = `n=${name},r=${nonce}`;
  const first = Buffer.from(await exchange(Buffer.from(`n,,${bare}`))).toString();
  const { salt, iterations, both } = readFirst(first, nonce);
  const salted = await derive(options.password, salt, iterations, bytes, hash);
  const withoutProof = `c=biws,r=${both}`;
  const signed = `${bare},${first},${withoutProof}`;
  const clientKey = hmac(salted, "Client Key");
  const signature = hmac(createHash(hash).update(clientKey).digest(), signed);
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
  const final = await exchange(Buffer.from(`${withoutProof},p=${proof.toString("base64")}`));
  const expected = `v=${hmac(hmac(salted, "Server Key"), signed).toString("base64")}`;
  const isKnown = final.length === expected.length && timingSafeEqual(final, Buffer.from(expected));
  if (!isKnown) throw untrusted("does not know the password itself");
}

function readFirst(message: string, nonce: string) {
  const match = /^r=([^,]+),s=([A-Za-z0-9+/=]+),i=(\d{1,10})(?:,|$)/.exec(message);
  const [, both = "", salt = "", count = ""] = match ?? [];
  if (!both.startsWith(nonce) || both.length === nonce.length) {
    throw untrusted("sent a malformed answer, or one to another client");
  }
  const iterations = Number(count);
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
    throw untrusted(`asks for ${iterations} iterations`);
  }
  return { both, iterations, salt: Buffer.from(salt, "base64") };
}

function untrusted(what: string): ClientError {
  return new ClientError("TARPAN_SASL", `the broker ${what}: it is not trusted`);
}
