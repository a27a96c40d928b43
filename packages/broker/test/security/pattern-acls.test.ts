import { expect, test } from "vitest";
import type { Acl } from "../../src/security/acl.ts";
import { PatternAcls } from "../../src/security/pattern-acls.ts";
import { acl } from "./acls.ts";

test.each([1, 3, 17, 40])("finds a principal's ACLs among %s, and forgets them", (count) => {
  const made = Array.from({ length: count }, (_, i) => acl(`allow User:${i % 20} read topic t`));
  const pattern = new PatternAcls();
  for (const one of made) pattern.add(one);
  const of = (...principals: string[]): Acl[] => {
    const seen: Acl[] = [];
    pattern.some(principals, (one) => {
      if (principals.includes(one.principal)) seen.push(one);
      return false;
    });
    return seen;
  };
  for (const one of made) {
    expect(of(one.principal, "User:*")).toContain(one);
    expect(pattern.some(["User:nobody", one.principal], (other) => other === one)).toBe(true);
  }
  expect(of("User:nobody")).toEqual([]);
  for (const one of made) {
    expect(pattern.isEmpty).toBe(false);
    pattern.remove(one);
    expect(of(one.principal)).not.toContain(one);
  }
  expect(pattern.isEmpty).toBe(true);
  pattern.add(made[0]!);
  expect(of(made[0]!.principal)).toEqual([made[0]]);
});
