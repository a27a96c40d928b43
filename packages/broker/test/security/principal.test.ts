import { expect, it } from "vitest";
import {
  ANONYMOUS,
  parsePrincipal,
  principalProblem,
  principalText,
} from "../../src/security/principal.ts";

it.each([
  ["User:alice", { type: "User", name: "alice" }],
  ["User:CN=a,OU=b:c", { type: "User", name: "CN=a,OU=b:c" }],
  ["User:*", { type: "User", name: "*" }],
  ["User:", { type: "User", name: "" }],
  [":alice", { type: "", name: "alice" }],
])("%s is a principal", (text, principal) => {
  expect(parsePrincipal(text)).toEqual(principal);
  expect(principalText(principal)).toBe(text);
});

it.each(["", "alice", "User"])("'%s' is none", (text) => {
  expect(parsePrincipal(text)).toBeNull();
  expect(principalProblem(text)).toBe(
    `a principal is TYPE:NAME, such as User:alice, not '${text}'`,
  );
});

it("a client that is not authenticated is ANONYMOUS", () => {
  expect(principalText(ANONYMOUS)).toBe("User:ANONYMOUS");
});
