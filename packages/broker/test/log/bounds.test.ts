// What keeps memory and open files bounded.
import { describe, expect, it } from "vitest";
import { MemoryTail, TailBudget } from "../../src/log/memory-tail.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { FilePool } from "../../src/log/segment/file-pool.ts";
import { inParallel } from "../../src/util/in-parallel.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS, readAll } from "./batches.ts";
import { ALWAYS, fill, ID, restart, start } from "./segment-fixture.ts";

function entriesFrom(offset: number, sizes: readonly number[]) {
  return sizes.map((size, i) => ({
    baseOffset: offset + i,
    nextOffset: offset + i + 1,
    bytes: new Uint8Array(size),
  }));
}

describe("memory tail", () => {
  it("keeps the newest batches within the log's bound", () => {
    const tail = new MemoryTail(new TailBudget(), 3500);
    expect(tail.firstOffset).toBe(Number.POSITIVE_INFINITY);
    tail.add(entriesFrom(0, [1000, 1000, 1000, 1000]));
    expect(tail.firstOffset).toBe(2);
    expect(tail.read(2, 1 << 20, 4)).toHaveLength(2);
    tail.add(entriesFrom(4, [5000]));
    expect(tail.firstOffset).toBe(Number.POSITIVE_INFINITY);
  });

  it("keeps all tails within the engine's bound, dropping the oldest batches first", () => {
    const seed = seedOf("memory tail");
    const random = new SeededRandom(seed);
    const budget = new TailBudget(50_000);
    const logs = Array.from({ length: 10 }, () => ({
      tail: new MemoryTail(budget, 20_000),
      end: 0,
    }));
    for (let i = 0; i < 20_000; i++) {
      const log = logs[random.chance(0.9) ? 0 : random.below(10)]!;
      const sizes = Array.from({ length: 1 + random.below(3) }, () => random.below(2000));
      log.tail.add(entriesFrom(log.end, sizes));
      log.end += sizes.length;
      expect(budget.heldBytes).toBeLessThanOrEqual(50_000);
      if (random.chance(0.01)) log.tail.dropBefore(random.below(log.end + 1));
      if (log.tail.firstOffset < log.end) {
        const read = log.tail.read(log.tail.firstOffset, 1 << 30, log.end);
        expect(read.length, `seed ${seed}`).toBe(log.end - log.tail.firstOffset);
      }
    }
    for (const { tail } of logs) tail.clear();
    expect(budget.heldBytes).toBe(0);
  });

  it("copies small parts of large buffers", () => {
    const tail = new MemoryTail(new TailBudget());
    const chunk = new Uint8Array(65536).fill(1);
    const entry = { baseOffset: 0, nextOffset: 1, bytes: chunk.subarray(10, 200) };
    tail.add([entry]);
    chunk.fill(2);
    const [kept] = tail.read(0, 1000, 1);
    expect(kept).toEqual(new Uint8Array(190).fill(1));
    expect(kept!.buffer.byteLength).toBe(190);
  });
});

describe("file pool", () => {
  async function filesNamed(count: number) {
    const fs = new MemoryFiles();
    for (let i = 0; i < count; i++) await (await fs.open(`/${i}`, { create: true })).close();
    return fs;
  }

  it("keeps at most its limit of files open", async () => {
    const fs = await filesNamed(10);
    const pool = new FilePool(fs, false, 3);
    for (let i = 0; i < 30; i++) await pool.use(`/${i % 10}`, (file) => file.sizeBytes());
    expect(pool.openCount).toBe(3);
    expect(fs.openFiles).toBe(3);
    await pool.closeAll();
    expect(fs.openFiles).toBe(0);
  });

  it("never closes a file in use", async () => {
    const fs = await filesNamed(2);
    const pool = new FilePool(fs, false, 2);
    let forgotten: Promise<void> | undefined;
    await pool.use("/0", async (file) => {
      await pool.use("/1", async () => {});
      await pool.forget("/1");
      forgotten = pool.forget("/0");
      await forgotten;
      expect(fs.openFiles).toBe(1);
      await file.sizeBytes();
    });
    expect(fs.openFiles).toBe(0);
  });

  it("lets a caller wait while the limit of files is in use", async () => {
    const fs = await filesNamed(20);
    const pool = new FilePool(fs, false, 3);
    let most = 0;
    const reads = Array.from({ length: 60 }, (_, i) =>
      pool.use(`/${i % 20}`, async (file) => {
        most = Math.max(most, fs.openFiles);
        await new Promise(setImmediate);
        return file.sizeBytes();
      }),
    );
    expect(await Promise.all(reads)).toHaveLength(60);
    expect(most).toBe(3);
    await pool.closeAll();
    expect(fs.openFiles).toBe(0);
  });

  it("tries again to open a file that could not be opened", async () => {
    const fs = await filesNamed(0);
    const pool = new FilePool(fs, false, 3);
    await expect(pool.use("/0", async () => {})).rejects.toMatchObject({ code: "ENOENT" });
    await (await fs.open("/0", { create: true })).close();
    await pool.use("/0", async () => {});
    expect(pool.openCount).toBe(1);
  });
});

describe("a process with a low limit of open files", () => {
  it("opens many logs, writes to all of them at once, and closes them", async () => {
    const env = testEnv();
    const machine = { ...env.machine, openFilesMax: () => 128 };
    const few: TestEnv = { ...env, machine };
    const ids = Array.from({ length: 300 }, (_, partition) => ({ ...ID, partition }));
    const first = await SegmentEngine.openDirectory("/data", { env: few, flush: ALWAYS });
    for (const id of ids) await first.create(id, OPTIONS);
    // Enough for the pool's 16 files and the 64 logs that are listed, opened or closed in parallel.
    env.fs.openFilesMax = 100;
    const again: TestEnv = { ...few, processes: aloneOnTheMachine() };
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const engine = await SegmentEngine.openDirectory("/data", { env: again, flush: ALWAYS, log });
    expect(await engine.list()).toHaveLength(300);
    const logs = await inParallel(ids, 64, (id) => engine.open(id, OPTIONS));
    const appends = logs.map((log) => log.append(batchOf(1), 0));
    expect(await Promise.all(appends)).toEqual(ids.map(() => 0));
    await engine.close();
    expect(lines).toEqual([]);
    expect(env.fs.paths()).toContain("/data/.tarpan-clean");
  });

  it("waits for a file to be closed, and reports once what to do", async () => {
    const { env, lines, log } = await start();
    await fill(log, 1);
    await log.close();
    const again = await restart(env);
    env.fs.openFilesMax = env.fs.openFiles;
    const reading = readAll(again.log);
    for (let waited = 0; waited < 1000; waited += 10) {
      env.time.advance(10);
      await new Promise(setImmediate);
    }
    const report = "this process reached its limit of open files and connections (100000)";
    expect(again.lines).toEqual([expect.stringContaining(report)]);
    env.fs.openFilesMax = Number.POSITIVE_INFINITY;
    env.time.advance(250);
    expect(await reading).toHaveLength(1);
    expect(lines).toEqual([]);
  });

  it("gives up after a while, and reads again later", async () => {
    const { env, log } = await start();
    await fill(log, 1);
    await log.close();
    const again = await restart(env);
    env.fs.openFilesMax = env.fs.openFiles;
    let failed: unknown = null;
    again.log.read(0, 1).catch((error: unknown) => {
      failed = error;
    });
    while (failed === null) {
      env.time.advance(250);
      await new Promise(setImmediate);
    }
    expect(failed).toMatchObject({
      kind: "offline",
      message: expect.stringContaining("too many open files (EMFILE)"),
    });
    expect(again.log.failure).toBeNull();
    env.fs.openFilesMax = Number.POSITIVE_INFINITY;
    expect(await readAll(again.log)).toHaveLength(1);
  });
});
