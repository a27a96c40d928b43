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
])("the nearest known name of %j is %j", (name, near) => {
  expect(nearest(name, KNOWN)).toBe(near);
});

it("is the first of several equally near names", () => {
  expect(nearest("ab", ["abd", "abc"])).toBe("abd");
});

it("is null without known names", () => {
  expect(nearest("ab", new Set())).toBeNull();
});
