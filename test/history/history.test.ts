import { expect, it } from "vitest";
import { History } from "./history.ts";
import { ended } from "./operation.ts";
import { A, Sample } from "./sample.ts";

it("records what was asked for and how it ended, in order", () => {
  const { operations } = new Sample().sent(7, A, 10, 3).failed(8, A, 11, "info");
  expect(operations).toEqual([
    { index: 0, type: "invoke", process: 7, timeNs: 0, f: "send", value: [{ key: A, value: 10 }] },
    {
      index: 1,
      type: "ok",
      process: 7,
      timeNs: 1,
      f: "send",
      value: [{ key: A, value: 10, offset: 3 }],
    },
    { index: 2, type: "invoke", process: 8, timeNs: 2, f: "send", value: [{ key: A, value: 11 }] },
    {
      index: 3,
      type: "info",
      process: 8,
      timeNs: 3,
      f: "send",
      value: [{ key: A, value: 11 }],
      error: "a reason",
    },
  ]);
  expect(ended(operations, "send", "ok")).toHaveLength(1);
});

it("lets a process do one thing at a time, and end it once", () => {
  const history = new History();
  const pending = history.invoke(0, "send", []);
  expect(() => history.invoke(0, "send", [])).toThrow("two things at once");
  pending.ok();
  expect(() => pending.ok()).toThrow("has ended");
});

it("gives every process and every record a number of its own", () => {
  const history = new History();
  expect([history.newProcess(), history.newProcess()]).toEqual([0, 1]);
  expect([history.newValue(), history.newValue()]).toEqual([0, 1]);
});
