import { expect, test } from "vitest";
import { DecisionCache } from "../../src/security/decision-cache.ts";
import { client } from "./acls.ts";

test("keeps decisions about names that can exist, and none about long ones", () => {
  const asked: number[] = [];
  const cache = new DecisionCache((_asker, _operation, _type, { length }) => {
    asked.push(length);
    return true;
  });
  const alice = client("User:alice");
  for (const length of [249, 249, 250, 250]) {
    expect(cache.get(alice, "read", "topic", "t".repeat(length))).toBe(true);
  }
  expect(asked).toEqual([249, 250, 250]);
});

test("keeps what it decided of each operation and type, allowed or not, until it is cleared", () => {
  const asked: string[] = [];
  const cache = new DecisionCache(({ principal, host }, operation, type, name) => {
    asked.push(`${principal} ${host} ${operation} ${type} ${name}`);
    return operation === "read" || operation === "twoPhaseCommit";
  });
  const questions = [
    ["read", "topic", true],
    ["write", "topic", false],
    ["read", "group", true],
    ["twoPhaseCommit", "transactionalId", true],
    ["idempotentWrite", "cluster", false],
  ] as const;
  const all = () => {
    // Two connections of the same client share what is known.
    for (const one of [client("User:alice"), client("User:alice")]) {
      for (const [operation, type, allowed] of questions) {
        expect(cache.get(one, operation, type, "x")).toBe(allowed);
      }
    }
  };
  all();
  expect(asked).toEqual(questions.map(([op, type]) => `User:alice 10.0.0.9 ${op} ${type} x`));
  cache.clear();
  all();
  expect(asked).toHaveLength(2 * questions.length);
});
