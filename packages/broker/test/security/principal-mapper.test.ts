import { expect, test } from "vitest";
import { principalMapper } from "../../src/security/principal-mapper.ts";

test.each([
  ["DEFAULT", "CN=a,O=b", "CN=a,O=b"],
  ["RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/", "CN=kafka,OU=ServiceUsers,O=x", "kafka"],
  ["RULE:^CN=(.*?),.*$/$1@x/L, DEFAULT", "CN=Kafka,O=b", "kafka@x"],
  ["RULE:^cn=(.*)$/$1/U,RULE:^CN=(.*)$/$1/U", "CN=a", "A"],
  ["RULE:^CN=(.)(.*)$/$2-$12-$3/", "CN=ab", "b-a2-$3"],
  ["RULE:^CN=(.*)$/$1/", "O=b", null],
])("%s makes %s into %s", (rules, name, mapped) => {
  expect(principalMapper(rules)(name)).toBe(mapped);
});

test.each(["RULE:a", "RULE:a/b", "DEFAULTS", "DEFAULT,RULE:^/$1/X"])("%s is refused", (rules) => {
  expect(() => principalMapper(rules)).toThrow("not a rule");
});
