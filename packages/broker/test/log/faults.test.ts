// What the segment engine does when the disk lets it down.
import { describe, expect, it } from "vitest";
import type { Log, LogId } from "../../src/log/log.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { FlushPolicy } from "../../src/settings.ts";
import { type Operation, osError } from "../env/memory-files.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "./batches.ts";

const ID: LogId = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
const FIRST = "/data/t-0/00000000000000000000.log";
const ALWAYS: FlushPolicy = { mode: "always" };

async function start(flush: FlushPolicy = ALWAYS, options = OPTIONS, env = testEnv()) {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const engine = await SegmentEngine.openDirectory("/data", { env, flush, log });
  return { env, engine, lines, log: await engine.create(ID, options) };
}

/** A new process on the disk as it is now; the old one never closed anything. */
async function restart(env: TestEnv, options = OPTIONS) {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const again: TestEnv = { ...env, processes: aloneOnTheMachine() };
  const engine = await SegmentEngine.openDirectory("/data", { env: again, flush: ALWAYS, log });
  return { env: again, engine, lines, log: await engine.open(ID, options) };
}

async function fill(log: Log, count: number, valueBytes = 100): Promise<void> {
  for (let i = 0; i < count; i++) await log.append(batchOf(i, { valueBytes }), 0);
}

function failOn(env: TestEnv, operation: Operation, code: string, suffix = ".log"): void {
  env.fs.fault = (called, path) => {
    if (called === operation && path.endsWith(suffix)) throw osError(code, path);
  };
}

async function basesOf(log: Log): Promise<number[]> {
  return (await readAll(log)).map(baseOffsetOf);
}

describe("a full disk", () => {
  it("refuses appends, keeps the log readable, and goes on once there is room", async () => {
    const { env, log } = await start();
    await fill(log, 3);
    const used = env.fs.contentOf(FIRST).length;
    env.fs.capacityBytes = 0;
    for (const path of env.fs.paths())
      env.fs.capacityBytes += (await env.fs.stat(path))?.sizeBytes ?? 0;
    env.fs.capacityBytes += 50;
    const refused = [log.append(batchOf(3, { valueBytes: 100 }), 0), log.append(batchOf(4), 0)];
    for (const each of await Promise.allSettled(refused))
      expect(each).toMatchObject({ status: "rejected", reason: { kind: "disk-full" } });
    expect(log).toMatchObject({ failure: null, endOffset: 3, nextOffset: 3 });
    expect(env.fs.contentOf(FIRST).length).toBe(used);
    expect(await basesOf(log)).toEqual([0, 1, 2]);
    env.fs.capacityBytes = Number.POSITIVE_INFINITY;
    expect(await log.append(batchOf(5), 0)).toBe(3);
    const again = await restart(env);
    expect(await basesOf(again.log)).toEqual([0, 1, 2, 3]);
  });

  it("refuses appends when no new segment can be begun", async () => {
    const { env, log } = await start(ALWAYS, { ...OPTIONS, segmentBytes: 300 });
    await fill(log, 1);
    failOn(env, "open", "ENOSPC", "1.log");
    await expect(log.append(batchOf(1, { valueBytes: 100 }), 0)).rejects.toMatchObject({
      kind: "disk-full",
    });
    env.fs.fault = () => {};
    expect(await log.append(batchOf(1, { valueBytes: 100 }), 0)).toBe(1);
    expect(await basesOf(log)).toEqual([0, 1]);
  });

  it("never trims what the last checkpoint builds upon", async () => {
    const small = { ...OPTIONS, segmentBytes: 300 };
    const { env, log } = await start(ALWAYS, small);
    failOn(env, "write", "ENOSPC", ".tmp");
    await fill(log, 10);
    env.fs.fault = () => {};
    await log.deleteBefore(5);
    const again = await restart(env, small);
    expect(again.log).toMatchObject({ startOffset: 5, endOffset: 10 });
    expect(await basesOf(again.log)).toEqual([5, 6, 7, 8, 9]);
  });

  it("refuses a new log, which can be made once there is room", async () => {
    const { env, engine } = await start();
    const second = { ...ID, partition: 1 };
    failOn(env, "write", "ENOSPC", ".tmp");
    await expect(engine.create(second, OPTIONS)).rejects.toMatchObject({ kind: "disk-full" });
    expect(await engine.list()).toEqual([ID]);
    env.fs.fault = () => {};
    expect((await engine.create(second, OPTIONS)).endOffset).toBe(0);
  });

  it("refuses a checkpoint and keeps the one before", async () => {
    const { env, log } = await start();
    await fill(log, 2);
    await log.saveCheckpoint(1, Uint8Array.of(1));
    failOn(env, "write", "ENOSPC", ".tmp");
    await expect(log.saveCheckpoint(2, Uint8Array.of(2))).rejects.toMatchObject({
      kind: "disk-full",
    });
    expect(await log.loadCheckpoint()).toEqual({ offset: 1, state: Uint8Array.of(1) });
    expect(log.failure).toBeNull();
  });
});

describe("a failing disk", () => {
  for (const operation of ["write", "open"] as const)
    it(`goes offline when ${operation} fails while appending`, async () => {
      const { env, log } = await start();
      if (operation === "write") await fill(log, 1);
      failOn(env, operation, "EIO");
      const appends = [log.append(batchOf(1), 0), log.append(batchOf(2), 0)];
      for (const each of await Promise.allSettled(appends))
        expect(each).toMatchObject({ status: "rejected", reason: { kind: "offline" } });
      env.fs.fault = () => {};
      expect(log.failure).toMatchObject({ kind: "offline", code: "TARPAN_LOG_OFFLINE" });
      await expect(log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "offline" });
      await expect(log.read(0, 100)).rejects.toMatchObject({ kind: "offline" });
    });

  it("never repeats a failed sync", async () => {
    const { env, engine, log } = await start({ mode: "interval", intervalMs: 100 });
    await fill(log, 2);
    failOn(env, "sync", "EIO");
    const syncs = () => env.fs.calls.get("sync") ?? 0;
    const before = syncs();
    env.time.advance(100);
    while (log.failure === null) await new Promise(setImmediate);
    expect(syncs()).toBe(before + 1);
    env.fs.fault = () => {};
    await expect(log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "offline" });
    env.time.advance(1000);
    await engine.close();
    const logSyncs = env.fs.changes.filter((change) => change.kind === "sync").length;
    expect(syncs()).toBeGreaterThanOrEqual(logSyncs);
    expect(env.fs.paths()).not.toContain("/data/.tarpan-clean");
  });

  it("can be opened again after it went offline", async () => {
    const { env, engine, log } = await start();
    await fill(log, 3);
    failOn(env, "write", "EIO");
    await expect(log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "offline" });
    env.fs.fault = () => {};
    const again = await engine.open(ID, OPTIONS);
    expect(await basesOf(again)).toEqual([0, 1, 2]);
    expect(await again.append(batchOf(3), 0)).toBe(3);
  });

  it("refuses a read that fails, and only that one", async () => {
    const { env, log } = await start();
    await fill(log, 5);
    await log.close();
    const again = await restart(env);
    failOn(env, "read", "EIO");
    await expect(again.log.read(0, 100)).rejects.toMatchObject({ kind: "offline" });
    env.fs.fault = () => {};
    expect(again.log.failure).toBeNull();
    expect(await basesOf(again.log)).toEqual([0, 1, 2, 3, 4]);
  });

  it("syncs by the clock when told to", async () => {
    const { env, log } = await start({ mode: "interval", intervalMs: 100 });
    await fill(log, 2);
    const before = env.fs.changes.filter((change) => change.kind === "sync").length;
    env.time.advance(99);
    await new Promise(setImmediate);
    expect(env.fs.changes.filter((change) => change.kind === "sync").length).toBe(before);
    env.time.advance(1);
    await new Promise(setImmediate);
    expect(env.fs.changes.filter((change) => change.kind === "sync").length).toBe(before + 1);
    const lost = testEnv({ fs: env.fs.crashedAt(env.fs.changes.length, { kind: "power" }) });
    expect((await restart(lost)).log.endOffset).toBe(2);
  });
});

describe("damage", () => {
  const small = { ...OPTIONS, segmentBytes: 1000, indexIntervalBytes: 200 };
  /** 20 batches of 1 record over several segments, closed in order. */
  async function closed(): Promise<TestEnv> {
    const { env, log, engine } = await start(ALWAYS, small);
    await fill(log, 20);
    await engine.close();
    return env;
  }
  const sizeOfBatch = batchOf(1, { valueBytes: 100 }).length;

  for (const [what, at] of [
    ["body", sizeOfBatch * 3 + 80],
    ["length", sizeOfBatch * 3 + 9],
    ["base offset", sizeOfBatch * 3 + 7],
    ["magic", sizeOfBatch * 3 + 16],
    ["offset delta", sizeOfBatch * 3 + 26],
  ] as const)
    it(`below the checkpoint, in a batch's ${what}, closes that range alone`, async () => {
      const env = await closed();
      env.fs.contentOf(FIRST)[at]! ^= 0x41;
      const { log, lines } = await restart(env, small);
      expect(log.endOffset).toBe(20);
      for (const offset of [0, 1, 2])
        expect(baseOffsetOf((await log.read(offset, 1))[0]!)).toBe(offset);
      expect((await log.read(0, 1 << 20)).map(baseOffsetOf)).toEqual([0, 1, 2]);
      const failed = await log.read(3, 1 << 20).catch((error) => error);
      expect(failed).toMatchObject({ kind: "corrupt", resumeOffset: 4 });
      await expect(log.read(3, 1)).rejects.toMatchObject({ kind: "corrupt", resumeOffset: 4 });
      for (let offset = 4; offset < 20; offset++)
        expect(baseOffsetOf((await log.read(offset, 1))[0]!)).toBe(offset);
      expect(lines.filter((line) => line.includes("damaged")).length).toBe(1);
      expect(await log.append(batchOf(20), 0)).toBe(20);
    });

  it("above the checkpoint ends the log there and keeps what it cut off", async () => {
    const { env, log } = await start();
    await fill(log, 5);
    env.fs.contentOf(FIRST)[sizeOfBatch * 3 + 80]! ^= 1;
    const tail = env.fs.contentOf(FIRST).slice(sizeOfBatch * 3);
    const again = await restart(env);
    expect(again.log.endOffset).toBe(3);
    expect(env.fs.contentOf(`${FIRST}.${sizeOfBatch * 3}.cut`)).toEqual(tail);
    expect(again.lines.join()).toContain("cut off holds a batch at offset 4");
    expect(await again.log.append(batchOf(9), 0)).toBe(3);
  });

  it("of lost segments leaves a hole", async () => {
    const env = await closed();
    const segments = env.fs.paths().filter((path) => path.endsWith(".log"));
    expect(segments.length).toBeGreaterThan(2);
    const second = Number(/(\d+)\.log/.exec(segments[1]!)![1]);
    const third = Number(/(\d+)\.log/.exec(segments[2]!)![1]);
    await env.fs.remove(segments[1]!);
    const { log } = await restart(env, small);
    await expect(log.read(second, 1)).rejects.toMatchObject({
      kind: "corrupt",
      resumeOffset: third,
    });
    expect(baseOffsetOf((await log.read(third, 1))[0]!)).toBe(third);
  });

  it("of a shortened file below the checkpoint never gives an offset twice", async () => {
    const env = await closed();
    const last = env.fs
      .paths()
      .filter((path) => path.endsWith(".log"))
      .at(-1)!;
    const file = await env.fs.open(last, {});
    await file.truncate(0);
    const { log, lines } = await restart(env, small);
    expect(log.endOffset).toBe(20);
    expect(lines.join()).toContain("lost");
    const first = Number(/(\d+)\.log/.exec(last)![1]);
    await expect(log.read(first, 1)).rejects.toMatchObject({ kind: "corrupt", resumeOffset: 20 });
    expect(await log.append(batchOf(1), 0)).toBe(20);
    expect(await log.read(20, 1)).toHaveLength(1);
  });

  for (const harm of ["missing", "cut", "nonsense", "of another segment"] as const)
    it(`of index files (${harm}) costs nothing but time`, async () => {
      const env = await closed();
      for (const path of env.fs.paths()) {
        if (!/index$/.test(path)) continue;
        const file = await env.fs.open(path, {});
        if (harm === "missing") await env.fs.remove(path);
        if (harm === "cut") await file.truncate(Math.max(0, (await file.sizeBytes()) - 5));
        if (harm === "nonsense") env.fs.contentOf(path).fill(0x7f);
        if (harm === "of another segment" && path.endsWith(".index"))
          env.fs.contentOf(path).forEach((_, i, bytes) => {
            if (i % 8 === 7) bytes[i]! ^= 3;
          });
      }
      const { log } = await restart(env, small);
      for (let offset = 0; offset < 20; offset++)
        expect(baseOffsetOf((await log.read(offset, 1))[0]!)).toBe(offset);
      expect(await log.offsetAt(1007)).toBe(7);
      expect(await log.append(batchOf(20), 0)).toBe(20);
      expect(await basesOf(log)).toEqual(Array.from({ length: 21 }, (_, i) => i));
    });

  it("of the checkpoint file means a scan of everything", async () => {
    const env = await closed();
    env.fs.contentOf("/data/t-0/tarpan.checkpoint")[30]! ^= 1;
    const { log, lines } = await restart(env, small);
    expect(lines.join()).toContain("checkpoint is damaged");
    expect(await basesOf(log)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(log.maxTimestamp).toBe(1019);
  });
});

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

  it("before an offset would not fit an index", async () => {
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
  it("cost at most two reads of the disk, one when going on", async () => {
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
      await again.log.read(offset + batches.length, 300_000);
      expect(reads() - between).toBe(1);
    }
  });

  it("do not happen at the tip", async () => {
    const { env, log } = await start();
    await fill(log, 10);
    const before = env.fs.calls.get("read") ?? 0;
    expect(await basesOf(log)).toHaveLength(10);
    expect(env.fs.calls.get("read") ?? 0).toBe(before);
  });
});
