import { expect, test } from "vitest";
import { Credentials } from "../../src/sasl/credentials.ts";
import { SeededRandom } from "../env/seeded-random.ts";

test("of the passwords that wait to be hashed, the newest is next", async () => {
  const credentials = new Credentials(() => null, new SeededRandom(1));
  const order: string[] = [];
  const tries = ["first", "second", "third", "fourth"].map(async (user) => {
    expect(await credentials.isPassword(user, "wrong", new Map())).toBe(false);
    order.push(user);
  });
  await Promise.all(tries);
  expect(order).toEqual(["first", "fourth", "third", "second"]);
});
