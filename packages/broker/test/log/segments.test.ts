// When a log rolls to a new segment, and how many disk reads a read needs.
import { describe, expect, it } from "vitest";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS } from "./batches.ts";
import { ALWAYS, basesOf, fill, ID, restart, start } from "./segment-fixture.ts";

describe("rolling", () => {
  const names = (env: TestEnv) =>
    env.fs
      .paths()
      .flatMap((path) => /(\d+)\.log$/.exec(path)?.[1] ?? [])
      .map(Number);

  it("by the first record's age, also when the broker was restarted", async () => {
    const byTime = { ...OPTIONS, segmentMs: 1000 };
    const { env, log, engine } = await start(ALWAYS, byTime);
    await log.append(batchOf(0, { timestamp: 5000 }), 0);
    await log.append(batchOf(1, { timestamp: 6000 }), 0);
    await log.append(batchOf(2, { timestamp: 6001 }), 0);
    expect(names(env)).toEqual([0, 2]);
    await engine.close();
    const again = await restart(env, byTime);
    await again.log.append(batchOf(3, { timestamp: 7001 }), 0);
    expect(names(env)).toEqual([0, 2]);
    await again.log.append(batchOf(4, { timestamp: 7002 }), 0);
    expect(names(env)).toEqual([0, 2, 4]);
  });

  it("by the wall clock when records carry no timestamp", async () => {
    const { env, log } = await start(ALWAYS, { ...OPTIONS, segmentMs: 1000 });
    await log.append(batchOf(0, { timestamp: -1 }), 0);
    env.time.advance(1001);
    await log.append(batchOf(1, { timestamp: -1 }), 0);
    expect(names(env)).toEqual([0, 1]);
  });

  it("when options change while the log is open", async () => {
    const { env, log } = await start();
    await fill(log, 2);
    log.configure({ segmentBytes: 200 });
    await fill(log, 2);
    expect(names(env)).toEqual([0, 2, 3]);
    expect(await basesOf(log)).toEqual([0, 1, 2, 3]);
  });

  it("before a relative offset becomes too large for an index", async () => {
    const { env, log } = await start();
    const huge = batchOf(0);
    new DataView(huge.buffer).setInt32(23, 2 ** 31 - 2);
    await log.append(huge, 0);
    await log.append(batchOf(1), 0);
    await log.append(batchOf(2), 0);
    expect(names(env)).toEqual([0, 2 ** 31]);
  });
});

describe("cold reads", () => {
  it("need at most two disk reads, and where the previous read ended only the next one", async () => {
    const { env, log, engine } = await start();
    for (let i = 0; i < 40; i++) await log.append(batchOf(i, { valueBytes: 60_000 }), 0);
    await engine.close();
    const again = await restart(env);
    await again.log.read(0, 1);
    const reads = () => env.fs.calls.get("read") ?? 0;
    for (const offset of [5, 17, 30]) {
      const before = reads();
      const batches = await again.log.read(offset, 300_000);
      expect(batches.length).toBeGreaterThanOrEqual(4);
      expect(reads() - before).toBeLessThanOrEqual(2);
      const between = reads();
      const next = offset + batches.length;
      const more = await again.log.read(next, 300_000);
      // Its own, and the one that is ahead of it.
      expect(reads() - between).toBe(2);
      await again.log.read(next + more.length, 1);
      expect(reads() - between).toBe(2);
    }
  });

  it("do not happen for batches that are in memory", async () => {
    const { env, log } = await start();
    await fill(log, 10);
    const before = env.fs.calls.get("read") ?? 0;
    expect(await basesOf(log)).toHaveLength(10);
    expect(env.fs.calls.get("read") ?? 0).toBe(before);
  });
});

describe("an essential log", () => {
  it("survives a power failure whatever the engine's flush policy", async () => {
    const env = testEnv();
    const open = { env, flush: { mode: "never" } as const };
    const engine = await SegmentEngine.openDirectory("/data", open);
    const log = await engine.create(ID, { ...OPTIONS, essential: true });
    await fill(log, 3);
    const after = testEnv({ fs: env.fs.crashedAt(env.fs.changes.length, { kind: "power" }) });
    const { log: again } = await restart(after);
    expect(again.endOffset).toBe(3);
  });
});

describe("a log that is set aside", () => {
  it("keeps its files, and another log of its name can be created", async () => {
    const { env, engine, log } = await start();
    await fill(log, 3);
    await engine.setAside(ID);
    await expect(engine.open(ID, OPTIONS)).rejects.toMatchObject({ kind: "missing" });
    const other = { ...ID, topicId: "BBBBBBBBBBBBBBBBBBBBBQ" };
    expect((await engine.create(other, OPTIONS)).endOffset).toBe(0);
    const aside = (await env.fs.list("/data")).find((name) => name.endsWith("-stray"));
    expect(await env.fs.list(`/data/${aside}`)).toContain("00000000000000000000.log");
    expect(await engine.list()).toEqual([other]);
  });
});

describe("an engine that is closed as not clean", () => {
  it("does not hide an earlier crash", async () => {
    const { env } = await start();
    const crashed = { ...env, processes: aloneOnTheMachine() };
    const failed = await SegmentEngine.openDirectory("/data", { env: crashed, flush: ALWAYS });
    await failed.close({ clean: false });
    const { engine } = await restart(crashed);
    expect(engine.cleanlyClosed).toBe(false);
    await engine.close();
    expect((await restart(crashed)).engine.cleanlyClosed).toBe(true);
  });
});
