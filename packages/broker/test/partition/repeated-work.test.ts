import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { RepeatedWork } from "../../src/partition/repeated-work.ts";
import { ManualTime } from "../env/manual-time.ts";
import { recordingLogger } from "../nats/own-engine.ts";

describe("repeated work", () => {
  const start = (run: () => Promise<void>) => {
    const timers = new ManualTime();
    const logger = recordingLogger();
    const delayMs = () => 100;
    const work = new RepeatedWork({ env: { timers }, logger, name: "the work", run, delayMs });
    work.start(10);
    return { timers, logger, work };
  };

  it("runs again a while after it ended, and never twice at once", async () => {
    let ended = () => {};
    let runs = 0;
    const { timers, work } = start(() => {
      runs += 1;
      return new Promise((resolve) => {
        ended = resolve;
      });
    });
    timers.advance(10);
    timers.advance(1000);
    expect(runs).toBe(1);
    ended();
    await turn();
    timers.advance(99);
    expect(runs).toBe(1);
    timers.advance(1);
    expect(runs).toBe(2);
    const closing = work.close();
    ended();
    await closing;
    timers.advance(1000);
    expect(runs).toBe(2);
  });

  it("logs what it throws, and goes on", async () => {
    let runs = 0;
    const { timers, logger } = start(async () => {
      runs += 1;
      throw new TypeError("x is not a function");
    });
    timers.advance(10);
    await turn();
    timers.advance(100);
    expect(runs).toBe(2);
    expect(logger.errors[0]).toMatch(/^the work failed: this is a bug in Tarpan/);
  });
});
