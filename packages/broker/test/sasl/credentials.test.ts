import { pbkdf2Sync } from "node:crypto";
import { expect, test } from "vitest";
import { Credentials } from "../../src/sasl/credentials.ts";
import { NOBODY, type ScramCredential, scramKeys } from "../../src/security/scram.ts";
import { SeededRandom } from "../env/seeded-random.ts";

/** Log-ins that come in this order, `user@address`; resolves to the order of their answers. */
async function answered(
  logins: readonly string[],
  configured: ReadonlyMap<string, string> = new Map(),
): Promise<string[]> {
  const credentials = new Credentials(() => null, new SeededRandom(1));
  const order: string[] = [];
  const tries = logins.map(async (login) => {
    const [user, address] = login.split("@") as [string, string];
    const client = { address, heldBytes: 100 };
    expect(await credentials.isPassword(user, "wrong", configured, client)).toBe(false);
    order.push(login);
  });
  await Promise.all(tries);
  return order;
}

test("of the passwords of one address that wait to be hashed, the newest is next", async () => {
  const order = await answered(["first@a", "second@a", "third@a", "fourth@a"]);
  expect(order).toEqual(["first@a", "fourth@a", "third@a", "second@a"]);
});

test("a wrong password of a configured user takes as long as that of nobody", async () => {
  const configured = new Map([["admin", "right"]]);
  const order = await answered(["nobody@a", "admin@a", "nobody2@a"], configured);
  expect(order).toEqual(["nobody@a", "nobody2@a", "admin@a"]);
});

test("a configured user has no other password, also if the metadata has one", async () => {
  const known = (password: string) => {
    const made = { salt: new Uint8Array(16), iterations: 4_096 };
    const salted = pbkdf2Sync(password, made.salt, made.iterations, 32, "sha256");
    return { ...made, ...scramKeys("SCRAM-SHA-256", salted) };
  };
  const credentials = new Credentials((mechanism, user) => {
    return mechanism === "SCRAM-SHA-256" && user === "admin" ? known("other") : null;
  }, new SeededRandom(1));
  const isPassword = (password: string, configured: [string, string][]) =>
    credentials.isPassword("admin", password, new Map(configured), {
      address: "a",
      heldBytes: 100,
    });
  expect(await isPassword("other", [])).toBe(true);
  expect(await isPassword("other", [["admin", "right"]])).toBe(false);
  expect(await isPassword("right", [["admin", "right"]])).toBe(true);
});

test("who guesses passwords does not keep others waiting", async () => {
  const guesses = Array.from({ length: 20 }, (_, i) => `guess${i}@evil`);
  const order = await answered([...guesses, "alice@home", "bob@work", "guess20@evil"]);
  expect(order.slice(0, 4)).toEqual(["guess0@evil", "guess20@evil", "alice@home", "bob@work"]);
});

test("every broker makes up the same credential, which looks like those of users", async () => {
  const bytes = (n: number) => new Uint8Array(64).fill(n);
  const nobody: ScramCredential = {
    ...{ salt: bytes(1), storedKey: bytes(2), serverKey: bytes(3), iterations: 8_192 },
  };
  const broker = (seed: number, known: ScramCredential | null) =>
    new Credentials(
      (mechanism, user) => (mechanism === "SCRAM-SHA-512" && user === NOBODY ? known : null),
      new SeededRandom(seed),
    );
  const [here, there] = [1, 2].map((seed) => broker(seed, nobody).scram("SCRAM-SHA-256", "eve"));
  expect(here).toEqual(there);
  expect(here).toMatchObject({ exists: false, credential: { iterations: 8_192 } });
  const other = broker(1, nobody).scram("SCRAM-SHA-256", "mallory");
  expect(other.credential.salt).not.toEqual(here!.credential.salt);
  // Before the first user it is the broker's own secret.
  const early = broker(1, null).scram("SCRAM-SHA-256", "eve");
  expect(early.credential).not.toEqual(here!.credential);
  expect(early.credential.iterations).toBe(4_096);
});
