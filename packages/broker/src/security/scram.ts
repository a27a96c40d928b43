// The formulas of SCRAM (RFC 5802), with the mechanisms that Kafka has.
import { createHmac, hash as digest, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** Kafka's `ScramMechanism`: its number in requests and records, by the name that clients send. */
export const SCRAM_MECHANISMS = {
  "SCRAM-SHA-256": { type: 1, hash: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { type: 2, hash: "sha512", bytes: 64 },
} as const;

export type ScramMechanism = keyof typeof SCRAM_MECHANISMS;

/** Kafka's limits. More iterations would let a client keep others busy for long. */
export const MIN_ITERATIONS = 4_096;
export const MAX_ITERATIONS = 16_384;

/** What a broker keeps of a password: enough to check it, not enough to log in with. */
export interface ScramCredential {
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
  readonly iterations: number;
}

/**
 * The name of a credential in the metadata that is made at random, and no user's: users who do not
 * exist get credentials that are made up from it, the same ones on every broker. Its mechanism and
 * iterations are those of the first user, which most others will have, too.
 */
export const NOBODY = "";

export function scramMechanismOf(type: number): ScramMechanism | null {
  const known = Object.entries(SCRAM_MECHANISMS).find(([, mechanism]) => mechanism.type === type);
  return known === undefined ? null : (known[0] as ScramMechanism);
}

/** The keys that belong to a salted password. */
export function scramKeys(
  mechanism: ScramMechanism,
  saltedPassword: Uint8Array,
): Pick<ScramCredential, "storedKey" | "serverKey"> {
  const clientKey = hmac(mechanism, saltedPassword, "Client Key");
  return {
    storedKey: hash(mechanism, clientKey),
    serverKey: hmac(mechanism, saltedPassword, "Server Key"),
  };
}

const derive = promisify(pbkdf2);

/** Computed by other threads: it takes milliseconds. */
export function saltPassword(
  mechanism: ScramMechanism,
  password: string,
  { salt, iterations }: Pick<ScramCredential, "salt" | "iterations">,
): Promise<Buffer> {
  const { hash: name, bytes } = SCRAM_MECHANISMS[mechanism];
  return derive(password, salt, iterations, bytes, name);
}

/** Whether the proof of a client, who signed `message`, shows that it knows the password. */
export function isProof(
  mechanism: ScramMechanism,
  { storedKey }: Pick<ScramCredential, "storedKey">,
  message: string,
  proof: Uint8Array,
): boolean {
  const signature = hmac(mechanism, storedKey, message);
  if (proof.length !== signature.length) return false;
  // The client's key, in the place of the signature.
  for (let i = 0; i < signature.length; i++) signature[i]! ^= proof[i]!;
  return timingSafeEqual(hash(mechanism, signature), storedKey);
}

export function serverSignature(
  mechanism: ScramMechanism,
  { serverKey }: Pick<ScramCredential, "serverKey">,
  message: string,
): Buffer {
  return hmac(mechanism, serverKey, message);
}

export function hmac(
  mechanism: ScramMechanism,
  key: Uint8Array,
  text: string | Uint8Array,
): Buffer {
  return createHmac(SCRAM_MECHANISMS[mechanism].hash, key).update(text).digest();
}

function hash(mechanism: ScramMechanism, bytes: Uint8Array): Buffer {
  return digest(SCRAM_MECHANISMS[mechanism].hash, bytes, "buffer");
}
