import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Secret } from "../../src/util/secret.ts";

it("a secret is given only to who asks for it", () => {
  const secret = new Secret("s3cr3t");
  const around = { password: secret, list: [secret] };
  const error = new Error(`can't use ${secret}`, { cause: around });
  const shown = [String(secret), JSON.stringify(around), inspect(around), inspect(error)];
  expect(shown.join(" ")).not.toContain("s3cr3t");
  expect(shown[0]).toBe("***");
  expect(Object.keys(secret)).toEqual([]);
  expect(secret.reveal()).toBe("s3cr3t");
});
