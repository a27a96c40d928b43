import { expect, test } from "vitest";
import { type LogFields, silentLogger } from "../../src/logging/logger.ts";
import { loadLater } from "../../src/runtime/load-later.ts";
import { ManualTime } from "../env/manual-time.ts";

test("a part that can't be loaded is logged with what to do, and others are loaded", async () => {
  const time = new ManualTime();
  const errors: [string, LogFields | undefined][] = [];
  const error = (text: string, fields?: LogFields) => void errors.push([text, fields]);
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    loadLater(time, { ...silentLogger, error, debug: () => resolve() }, [
      { name: "metrics", load: async () => Promise.reject(new Error("no such file")) },
      { name: "zstd", load: async () => order.push("zstd") },
    ]);
    expect(order).toEqual([]);
    time.advance(60_000);
  });
  expect(order).toEqual(["zstd"]);
  const fields = { reason: "no such file", todo: expect.stringContaining("restart the broker") };
  expect(errors).toEqual([["metrics can't be loaded", fields]]);
});

test("a broker that stops before the delay is over loads nothing", () => {
  const time = new ManualTime();
  const part = { name: "metrics", load: () => expect.fail("loaded") };
  loadLater(time, silentLogger, [part]).cancel();
  time.advance(60_000);
});
