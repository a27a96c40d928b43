import { expect, it } from "vitest";
import { decodeValue, encodeValue } from "../../src/cluster/plain-values.ts";

it("carries plain values and Maps, however deep", () => {
  const value = {
    text: 'é \u0000 \\ "',
    numbers: [0, -1, 2 ** 53 - 1, 0.5],
    nothing: null,
    flags: [true, false],
    plan: new Map([["cleanup.policy", "compact"]]),
    nested: new Map<number, unknown>([
      [1, new Map([["inner", { list: [new Map()] }]])],
      [2, []],
    ]),
  };
  expect(decodeValue(encodeValue(value))).toEqual(value);
});

it("leaves out what is undefined, and says null where that is all", () => {
  expect(decodeValue(encodeValue({ here: 1, gone: undefined }))).toEqual({ here: 1 });
  expect(decodeValue(encodeValue(undefined))).toBeNull();
});

it("refuses bytes that no broker has sent", () => {
  expect(() => decodeValue(new TextEncoder().encode("{"))).toThrow(SyntaxError);
});
