import { expect, test } from "vitest";
import { parseProperties } from "../src/connection/properties.ts";

/** As java.util.Properties reads them. */
test.each([
  ["a=b", { a: "b" }],
  ["  a : b ", { a: "b " }],
  ["a b=c", { a: "b=c" }],
  ["a", { a: "" }],
  ["a=\r\nb=1\rc=2", { a: "", b: "1", c: "2" }],
  ["# a=b\n  ! c=d\n\ne=f#g", { e: "f#g" }],
  ["a=b\\\n   c\\\nd", { a: "bcd" }],
  ["a=b\\\\\nc=d", { a: "b\\", c: "d" }],
  ["a\\:b\\=c\\ d=e", { "a:b=c d": "e" }],
  ["a=\\t\\n\\u00e9\\q\\\\", { a: "\t\néq\\" }],
  ["a=1\na=2", { a: "2" }],
  ["a=b\\", { a: "b" }],
  ["=b", {}],
])("%j", (text, expected) => {
  expect(Object.fromEntries(parseProperties(text))).toEqual(expected);
});
