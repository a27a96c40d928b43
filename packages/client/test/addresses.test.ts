import { expect, test } from "vitest";
import { parseBootstrap } from "../src/connection/addresses.ts";

test.each([
  ["localhost:9093", [{ host: "localhost", port: 9093 }]],
  ["localhost", [{ host: "localhost", port: 9092 }]],
  ["[::1]:9093", [{ host: "::1", port: 9093 }]],
  [
    "a:1, b:2",
    [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ],
  ],
  [
    ["a:1", "b"],
    [
      { host: "a", port: 1 },
      { host: "b", port: 9092 },
    ],
  ],
])("%j", (text, addresses) => expect(parseBootstrap(text)).toEqual(addresses));

test.each(["", " , ", "a:b", "a:0", "a:70000", "http://a:1", "a b"])("refuses %j", (text) =>
  expect(() => parseBootstrap(text)).toThrow(/broker address/),
);
