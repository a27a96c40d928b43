// After a failed sync the cache shows batches that are not on the disk, and later syncs succeed
// without them. Opening a log again must not build on these.
import { describe, expect, it } from "vitest";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { osError } from "../env/memory-files.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS } from "./batches.ts";
import { ALWAYS, basesOf, FIRST, failOn, fill, ID, restart, start } from "./segment-fixture.ts";

const INTERVAL = { mode: "interval", intervalMs: 100 } as const;

async function reopened(env: TestEnv, engine: SegmentEngine, options = OPTIONS) {
  env.fs.fault = () => {};
  return engine.open(ID, options);
}

async function basesAfterPowerFailure(env: TestEnv, options = OPTIONS): Promise<number[]> {
  const fs = env.fs.crashedAt(env.fs.changes.length, { kind: "power" });
  const { log, lines } = await restart(testEnv({ fs }), options);
  expect(lines.filter((line) => /damaged|lost|not used/.test(line))).toEqual([]);
  return basesOf(log);
}

describe("a failed sync", () => {
  it("of a durable write leaves nothing that later batches build on", async () => {
    const { env, engine, log, alerts } = await start();
    await fill(log, 2);
    env.fs.failedWritesStay = true;
    failOn(env, "write", "EIO");
    await expect(log.append(batchOf(2), 0)).rejects.toMatchObject({ kind: "offline" });
    expect(alerts).toEqual([expect.stringMatching(/t-0 is offline: write failed: .*EIO/)]);
    const again = await reopened(env, engine);
    const found = await basesOf(again);
    await again.append(batchOf(3), 0);
    expect(await basesAfterPowerFailure(env)).toEqual([...found, again.endOffset - 1]);
  });

  it("of the interval loses nothing that is read after the log is opened again", async () => {
    const { env, engine, log, alerts } = await start(INTERVAL);
    await fill(log, 2);
    failOn(env, "sync", "EIO");
    env.time.advance(100);
    while (log.failure === null) await new Promise(setImmediate);
    expect(alerts).toEqual([expect.stringMatching(/t-0 is offline: sync failed: .*EIO/)]);
    const again = await reopened(env, engine);
    expect(await basesOf(again)).toEqual([0, 1]);
    await again.append(batchOf(2), 0);
    await again.close();
    expect(await basesAfterPowerFailure(env)).toEqual([0, 1, 2]);
  });

  it("that finds the disk full takes the log offline too", async () => {
    const { env, engine, log } = await start(INTERVAL);
    await fill(log, 2);
    failOn(env, "sync", "ENOSPC");
    env.time.advance(100);
    while (log.failure === null) await new Promise(setImmediate);
    await expect(log.append(batchOf(2), 0)).rejects.toMatchObject({ kind: "offline" });
    const again = await reopened(env, engine);
    await again.append(batchOf(2), 0);
    await again.close();
    expect(await basesAfterPowerFailure(env)).toEqual([0, 1, 2]);
  });

  it("of an essential log is not believed by the next process", async () => {
    const essential = { ...OPTIONS, essential: true };
    const { env, log } = await start(ALWAYS, essential);
    await fill(log, 2);
    env.fs.failedWritesStay = true;
    failOn(env, "write", "EIO");
    await expect(log.append(batchOf(2), 0)).rejects.toMatchObject({ kind: "offline" });
    const killed = testEnv({ fs: env.fs.crashedAt(env.fs.changes.length, { kind: "process" }) });
    const { log: again } = await restart(killed, essential);
    expect(await basesOf(again)).toEqual([0, 1, 2]);
    await again.append(batchOf(3), 0);
    expect(await basesAfterPowerFailure(killed)).toEqual([0, 1, 2, 3]);
  });

  it("of a directory, in a roll, is made good when the log is opened again", async () => {
    const small = { ...OPTIONS, segmentBytes: 300 };
    const { env, engine, log } = await start(ALWAYS, small);
    await fill(log, 1);
    failOn(env, "syncDirectory", "EIO", "t-0");
    await expect(log.append(batchOf(1, { valueBytes: 200 }), 0)).rejects.toMatchObject({
      kind: "offline",
    });
    const again = await reopened(env, engine, small);
    expect(await again.append(batchOf(1, { valueBytes: 200 }), 0)).toBe(1);
    expect(await basesAfterPowerFailure(env, small)).toEqual([0, 1]);
  });

  it("of an opening is not believed when the opening is tried again", async () => {
    const { env, log } = await start(INTERVAL);
    await fill(log, 2);
    const killed = testEnv({ fs: env.fs.crashedAt(env.fs.changes.length, { kind: "process" }) });
    failOn(killed, "sync", "EIO", FIRST);
    const engine = await SegmentEngine.openDirectory("/data", { env: killed, flush: ALWAYS });
    await expect(engine.open(ID, OPTIONS)).rejects.toMatchObject({ kind: "offline" });
    const again = await reopened(killed, engine);
    expect(await basesOf(again)).toEqual([0, 1]);
    await again.append(batchOf(2), 0);
    expect(await basesAfterPowerFailure(killed)).toEqual([0, 1, 2]);
  });

  it("is repeated by a second opening, which then stays offline too", async () => {
    const { env, engine, log } = await start();
    await fill(log, 1);
    env.fs.failedWritesStay = true;
    failOn(env, "write", "EIO");
    await expect(log.append(batchOf(1), 0)).rejects.toMatchObject({ kind: "offline" });
    env.fs.fault = (operation) => {
      if (operation === "write" || operation === "sync") throw osError("EIO", FIRST);
    };
    await expect(engine.open(ID, OPTIONS)).rejects.toMatchObject({ kind: "offline" });
    const again = await reopened(env, engine);
    const found = await basesOf(again);
    expect(await again.append(batchOf(2), 0)).toBe(found.length);
    expect(await basesAfterPowerFailure(env)).toEqual([...found, found.length]);
  });
});
