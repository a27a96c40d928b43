import { expect, it } from "vitest";
import { wrongTransfers } from "./check.ts";
import type { Fate } from "./transfers.ts";

const of = (transfer: string, ...amounts: number[]) => {
  return amounts.map((amount) => ({ transfer, amount }));
};
const check = (fate: Fate, ...amounts: number[]) => {
  return wrongTransfers(new Map([["a", fate]]), of("a", ...amounts));
};

it("accepts transfers that are whole, or absent where they may be", () => {
  expect(check("committed", 5, -5)).toEqual([]);
  expect(check("unknown", 5, -5)).toEqual([]);
  expect(check("unknown")).toEqual([]);
  expect(check("aborted")).toEqual([]);
});

it("finds lost, aborted, half, doubled and foreign transfers", () => {
  expect(check("committed")).toEqual(["a is lost"]);
  expect(check("aborted", 5, -5)).toEqual(["a was aborted, and is read"]);
  expect(check("unknown", 5)).toEqual(["a is read as 5"]);
  expect(check("committed", 5, -5, 5, -5)).toEqual(["a is read as 5,-5,5,-5"]);
  expect(wrongTransfers(new Map(), of("b", 1, -1))).toEqual(["b was never sent"]);
});
