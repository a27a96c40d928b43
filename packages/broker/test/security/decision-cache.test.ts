import { expect, test } from "vitest";
import { DecisionCache } from "../../src/security/decision-cache.ts";
import { client } from "./acls.ts";

test("keeps decisions about names that can exist, and none about long ones", () => {
  const asked: number[] = [];
  const cache = new DecisionCache((_client, _operation, _type, { length }) => {
    asked.push(length);
    return true;
  });
  const alice = client("User:alice");
  for (const length of [249, 249, 250, 250]) {
    expect(cache.get(alice, "read", "topic", "t".repeat(length))).toBe(true);
  }
  expect(asked).toEqual([249, 250, 250]);
});
