import { timingSafeEqual } from "node:crypto";
import type { Random } from "../env/env.ts";
import {
  hmac,
  MIN_ITERATIONS,
  NOBODY,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
  saltPassword,
  scramKeys,
} from "../security/scram.ts";
import { FairTurns, type WaitingClient } from "./fair-turns.ts";

/** The users in the metadata. */
export type FindCredential = (mechanism: ScramMechanism, user: string) => ScramCredential | null;

/**
 * Checks passwords and proofs. For a user who does not exist it does the same work with a made-up
 * credential, which is always the same for a name, so that nobody can find out who exists.
 */
export class Credentials {
  readonly #find: FindCredential;
  readonly #secret: Uint8Array;
  /** One at a time: the threads that hash also write the logs. */
  readonly #hashing = new FairTurns();

  constructor(find: FindCredential, random: Random) {
    this.#find = find;
    this.#secret = random.bytes(32);
  }

  /** `exists` is false for a made-up credential, which no proof fits. */
  scram(
    mechanism: ScramMechanism,
    user: string,
  ): { readonly credential: ScramCredential; readonly exists: boolean } {
    const known = this.#find(mechanism, user);
    // Made up also for those who exist, so that both take the same time.
    const madeUp = this.#madeUp(mechanism, user);
    return { credential: known ?? madeUp, exists: known !== null };
  }

  /** Whether the client has this password of the user, in the config or in the metadata. */
  async isPassword(
    user: string,
    password: string,
    configured: ReadonlyMap<string, string>,
    client: WaitingClient,
  ): Promise<boolean> {
    const expected = configured.get(user);
    if (expected !== undefined && this.#isEqual(expected, password)) return true;
    // A wrong password of such a user is hashed, too: the time must not tell that there is one.
    const ofMetadata = expected === undefined ? this.#mechanismOf(user) : null;
    const mechanism = ofMetadata ?? this.#mechanismOf(NOBODY) ?? "SCRAM-SHA-256";
    const { credential, exists } = this.scram(mechanism, user);
    const salted = await this.#hashing.run(client, () =>
      saltPassword(mechanism, password, credential),
    );
    const { storedKey } = scramKeys(mechanism, salted);
    return timingSafeEqual(storedKey, credential.storedKey) && exists && expected === undefined;
  }

  /** The mechanism whose credential PLAIN checks. */
  #mechanismOf(user: string): ScramMechanism | null {
    const all = ["SCRAM-SHA-512", "SCRAM-SHA-256"] as const;
    return all.find((mechanism) => this.#find(mechanism, user) !== null) ?? null;
  }

  #isEqual(a: string, b: string): boolean {
    const [left, right] = [a, b].map((text) => hmac("SCRAM-SHA-256", this.#secret, text));
    return timingSafeEqual(left!, right!);
  }

  #madeUp(mechanism: ScramMechanism, user: string): ScramCredential {
    const { bytes } = SCRAM_MECHANISMS[mechanism];
    // The cluster has none before its first user, and none from a release that did not make one.
    const ofNobody = this.#mechanismOf(NOBODY);
    const nobody = ofNobody && this.#find(ofNobody, NOBODY);
    const secret = nobody?.serverKey ?? this.#secret;
    const made = (what: string) => hmac(mechanism, secret, `${what} ${user}`);
    return {
      salt: saltOf(made("salt")),
      storedKey: made("stored key").subarray(0, bytes),
      serverKey: made("server key").subarray(0, bytes),
      iterations: nobody?.iterations ?? MIN_ITERATIONS,
    };
  }
}

/**
 * Kafka's admin clients write 130 random bits in digits of base 36. Any other bytes would show that
 * the credential was made up.
 */
function saltOf(bytes: Buffer): Buffer {
  const number = BigInt(`0x${bytes.toString("hex")}`) & ((1n << 130n) - 1n);
  return Buffer.from(number.toString(36));
}
