import { expect, it } from "vitest";
import { nearest } from "../src/nearest.ts";

const KNOWN = ["bind_addr", "bind_port", "data_dir", "timeoutMs"];

it.each([
  ["bind-port", "bind_port"],
  ["bindPort", "bind_port"],
  ["bnd_prt", "bind_port"],
  ["datadir", "data_dir"],
  ["timeoutMS", "timeoutMs"],
  ["timeout", "timeoutMs"],
  ["dir", null],
  ["listeners", null],
  ["", null],
])("of %j the nearest known name is %j", (name, near) => {
  expect(nearest(name, KNOWN)).toBe(near);
});

it("is the first of those that are equally near", () => {
  expect(nearest("ab", ["abd", "abc"])).toBe("abd");
});

it("is none where no name is known", () => {
  expect(nearest("ab", new Set())).toBeNull();
});
