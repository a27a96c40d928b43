// What the segment engine does when bytes on the disk have changed.
import { describe, expect, it } from "vitest";
import type { TestEnv } from "../env/test-env.ts";
import { baseOffsetOf, batchOf, OPTIONS } from "./batches.ts";
import { ALWAYS, basesOf, FIRST, fill, restart, start } from "./segment-fixture.ts";

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
    it(`below the checkpoint, in a batch's ${what}, makes only that batch unreadable`, async () => {
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
      expect(log.damagedRanges).toBe(1);
      await log.deleteBefore(4);
      expect(log.damagedRanges).toBe(0);
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
    expect(again.lines.join()).toContain("cut off contain a batch at offset 4");
    expect(await again.log.append(batchOf(9), 0)).toBe(3);
    // The same damage again does not overwrite the first copy.
    await fill(again.log, 2);
    env.fs.contentOf(FIRST)[sizeOfBatch * 3 + 80]! ^= 1;
    expect((await restart(again.env)).lines.join()).toContain(`.${sizeOfBatch * 3}.1.cut`);
    expect(env.fs.contentOf(`${FIRST}.${sizeOfBatch * 3}.cut`)).toEqual(tail);
  });

  it("that loses a whole segment makes only its offsets unreadable", async () => {
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

  it("that shortens a file below the checkpoint never leads to an offset given twice", async () => {
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
    it(`of index files (${harm}) loses nothing: they are rebuilt`, async () => {
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

  it("of the checkpoint file leads to a scan of the whole log", async () => {
    const env = await closed();
    env.fs.contentOf("/data/t-0/tarpan.checkpoint")[30]! ^= 1;
    const { log, lines } = await restart(env, small);
    expect(lines.join()).toContain("checkpoint is damaged");
    expect(await basesOf(log)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(log.maxTimestamp).toBe(1019);
  });
});
