// What keeps memory and open files bounded.
import { describe, expect, it } from "vitest";
import { MemoryTail, TailBudget } from "../../src/log/memory-tail.ts";
import { FilePool } from "../../src/log/segment/file-pool.ts";
import { MemoryFiles } from "../env/memory-files.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";

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

  it("stays within the engine's bound over many tails, oldest first", () => {
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

  it("holds few files open and gives back the rest", async () => {
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
    const pool = new FilePool(fs, false, 0);
    let forgotten: Promise<void> | undefined;
    await pool.use("/0", async (file) => {
      await pool.use("/1", async () => {});
      forgotten = pool.forget("/0");
      await forgotten;
      expect(fs.openFiles).toBe(1);
      await file.sizeBytes();
    });
    expect(fs.openFiles).toBe(0);
  });

  it("tries again what could not be opened", async () => {
    const fs = await filesNamed(0);
    const pool = new FilePool(fs, false, 3);
    await expect(pool.use("/0", async () => {})).rejects.toMatchObject({ code: "ENOENT" });
    await (await fs.open("/0", { create: true })).close();
    await pool.use("/0", async () => {});
    expect(pool.openCount).toBe(1);
  });
});
