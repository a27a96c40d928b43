import { expect, test } from "vitest";
import { Credentials } from "../../src/sasl/credentials.ts";
import { SeededRandom } from "../env/seeded-random.ts";

/** Log-ins that come in this order, `user@address`; resolves to the order of their answers. */
async function answered(logins: readonly string[]): Promise<string[]> {
  const credentials = new Credentials(() => null, new SeededRandom(1));
  const order: string[] = [];
  const tries = logins.map(async (login) => {
    const [user, address] = login.split("@") as [string, string];
    expect(await credentials.isPassword(user, "wrong", new Map(), address)).toBe(false);
    order.push(login);
  });
  await Promise.all(tries);
  return order;
}

test("of the passwords of one address that wait to be hashed, the newest is next", async () => {
  const order = await answered(["first@a", "second@a", "third@a", "fourth@a"]);
  expect(order).toEqual(["first@a", "fourth@a", "third@a", "second@a"]);
});

test("who guesses passwords does not keep others waiting", async () => {
  const guesses = Array.from({ length: 20 }, (_, i) => `guess${i}@evil`);
  const order = await answered([...guesses, "alice@home", "bob@work", "guess20@evil"]);
  expect(order.slice(0, 4)).toEqual(["guess0@evil", "guess20@evil", "alice@home", "bob@work"]);
});
