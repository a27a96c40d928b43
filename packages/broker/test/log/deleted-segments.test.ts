// Large files of deleted segments are freed in steps, and never while somebody reads them.
import { describe, expect, it } from "vitest";
import {
  DELETION_LONGEST_REST_MS,
  DELETION_REST,
  DELETION_STEP_BYTES,
  DELETION_WITHIN_MS,
} from "../../src/log/limits.ts";
import type { Log, LogOptions } from "../../src/log/log.ts";
import { osError } from "../env/memory-files.ts";
import type { TestEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS, readAll } from "./batches.ts";
import { ALWAYS, basesOf, FIRST, ID, leaveFree, restart, start } from "./segment-fixture.ts";

const STEP = DELETION_STEP_BYTES;
const STEPS = 4;
const BATCH_BYTES = STEP / 2;
/** Segments of STEPS steps; what is deleted goes without a delay. */
const LARGE: LogOptions = {
  ...OPTIONS,
  segmentBytes: STEPS * STEP + STEP / 4,
  fileDeleteDelayMs: 0,
};

const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
};

async function fillSegments(log: Log, count: number): Promise<void> {
  for (let i = 0; i < count * STEPS * 2; i++)
    await log.append(batchOf(i, { valueBytes: BATCH_BYTES }), 0);
}

/** A log of `count` large segments and one batch, not in memory. */
async function largeLog(count = 1, options = LARGE) {
  const before = await start(ALWAYS, options);
  await fillSegments(before.log, count);
  await before.log.append(batchOf(99, { valueBytes: BATCH_BYTES }), 0);
  const bases: number[] = [];
  for await (const { endOffset } of before.log.segments()) bases.push(endOffset);
  await before.engine.close();
  return { ...(await restart(before.env, options)), bases };
}

/** Each step of the deleter takes `ms`. Returns the path for each, as they come. */
function countCuts(env: TestEnv, ms = 0): string[] {
  const cuts: string[] = [];
  env.fs.fault = (operation, path) => {
    if (operation !== "truncate" || !path.endsWith(".deleted")) return;
    cuts.push(path);
    if (ms > 0) env.time.advance(ms);
  };
  return cuts;
}

const deletedIn = (env: TestEnv) => env.fs.paths().filter((path) => path.endsWith(".deleted"));

describe("a large deleted segment", () => {
  it("is cut in steps, and then removed", async () => {
    const { env, log, bases } = await largeLog();
    const cuts = countCuts(env);
    await log.deleteBefore(bases[0]!);
    await turns();
    expect(cuts).toHaveLength(STEPS);
    expect(deletedIn(env)).toEqual([]);
    expect(await basesOf(log)).toEqual([bases[0]!]);
  });

  it("gives the disk a rest after each step, which grows with the step's time", async () => {
    const { env, log, bases } = await largeLog();
    const stepMs = 10;
    const cuts = countCuts(env, stepMs);
    await log.deleteBefore(bases[0]!);
    await turns();
    expect(cuts).toHaveLength(1);
    env.time.advance(stepMs * DELETION_REST - 1);
    await turns();
    expect(cuts).toHaveLength(1);
    env.time.advance(1);
    await turns();
    expect(cuts).toHaveLength(2);
  });

  it("has shorter rests when much is waiting", async () => {
    const { env, log, bases } = await largeLog(8);
    const cuts = countCuts(env, 1_000);
    await log.deleteBefore(bases[7]!);
    await turns();
    env.time.advance(DELETION_LONGEST_REST_MS);
    await turns();
    expect(cuts).toHaveLength(2);
    env.time.advance(DELETION_WITHIN_MS / (8 * STEPS - 2));
    await turns();
    expect(cuts).toHaveLength(3);
  });

  it("has no rests while the disk lacks the space that it takes", async () => {
    const { env, log, bases } = await largeLog();
    await leaveFree(env, STEP);
    const cuts = countCuts(env, 10);
    await log.deleteBefore(bases[0]!);
    await turns();
    // With half of it gone there is more space than what waits.
    expect(cuts.length).toBeGreaterThanOrEqual(2);
  });

  it("is removed at once when it has another name, and can't be cut for that", async () => {
    const { env, log, bases } = await largeLog();
    const stat = env.fs.stat.bind(env.fs);
    env.fs.stat = async (path) => {
      const found = await stat(path);
      return found && { ...found, links: 2 };
    };
    const cuts = countCuts(env);
    await log.deleteBefore(bases[0]!);
    await turns();
    expect([cuts.length, deletedIn(env)]).toEqual([0, []]);
  });

  it("is removed at once when it can't be cut", async () => {
    const { env, log, lines, bases } = await largeLog();
    let cuts = 0;
    env.fs.fault = (operation, path) => {
      if (operation === "truncate" && path.endsWith(".deleted") && cuts++ > 0)
        throw osError("EPERM", path);
    };
    await log.deleteBefore(bases[0]!);
    await turns();
    expect([deletedIn(env), lines]).toEqual([[], []]);
  });

  it("is left to the next start by a stop, which goes on", async () => {
    const { env, engine, log, bases } = await largeLog();
    const cuts = countCuts(env, 10);
    await log.deleteBefore(bases[0]!);
    await turns();
    await engine.close();
    expect(cuts).toHaveLength(1);
    expect(deletedIn(env)).toEqual([`${FIRST}.deleted`]);
    expect((await env.fs.stat(`${FIRST}.deleted`))!.sizeBytes).toBeGreaterThan(STEP);
    countCuts(env);
    const again = await restart(env, LARGE);
    await turns();
    expect(deletedIn(env)).toEqual([]);
    expect(await basesOf(again.log)).toEqual([bases[0]!]);
  });

  it("keeps its delay when its log is opened again meanwhile", async () => {
    const { env, engine, log, bases } = await largeLog(1, { ...LARGE, fileDeleteDelayMs: 60_000 });
    await log.deleteBefore(bases[0]!);
    const before = deletedIn(env);
    await log.close();
    await engine.open(ID, LARGE);
    await turns();
    expect(before).toContain(`${FIRST}.deleted`);
    expect(deletedIn(env)).toEqual(before);
    env.time.advance(60_000);
    await turns();
    expect(deletedIn(env)).toEqual([]);
  });
});

describe("a read of a segment that is deleted meanwhile", () => {
  /** Reads of files wait from now on, until they are let go. */
  function holdReads(env: TestEnv): { go(): void } {
    const open = env.fs.open.bind(env.fs);
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    env.fs.open = async (path, options) => {
      const file = await open(path, options);
      const read = async (into: Uint8Array, position: number) => {
        await held;
        return file.read(into, position);
      };
      return { ...file, read };
    };
    return { go };
  }

  it("gets all its batches, and then the segment is freed", async () => {
    const { env, log, lines, bases } = await largeLog();
    const cuts = countCuts(env);
    const { go } = holdReads(env);
    const reading = log.read(1, STEP);
    await turns();
    await log.deleteBefore(bases[0]!);
    await turns();
    expect([cuts.length, deletedIn(env)]).toEqual([0, [`${FIRST}.deleted`]]);
    go();
    expect((await reading).length).toBeGreaterThan(0);
    await turns();
    expect([deletedIn(env), lines, log.damagedRanges]).toEqual([[], [], 0]);
  });

  it("also holds up the deletion of a whole topic", async () => {
    const { env, engine, log } = await largeLog();
    const { go } = holdReads(env);
    const reading = log.read(1, STEP);
    await turns();
    const cuts: string[] = [];
    env.fs.fault = (operation, path) => {
      if (operation === "truncate") cuts.push(path);
    };
    await engine.delete(ID);
    await turns();
    expect(cuts).toEqual([]);
    expect(env.fs.paths().some((path) => path.includes("-delete/"))).toBe(true);
    go();
    expect((await reading).length).toBeGreaterThan(0);
    await turns();
    expect(cuts).toHaveLength(STEPS);
    expect(env.fs.paths().some((path) => path.includes("-delete"))).toBe(false);
  });
});

it("a deleted topic leaves nothing to a topic of the same name", async () => {
  const { env, engine, log, bases } = await largeLog(1, { ...LARGE, fileDeleteDelayMs: 1_000 });
  await log.deleteBefore(bases[0]!);
  await engine.delete(ID);
  const again = await engine.create(ID, LARGE);
  await fillSegments(again, 1);
  env.time.advance(1_000);
  await turns();
  expect(await readAll(again)).toHaveLength(2 * STEPS);
  expect(env.fs.paths().filter((path) => /delete/.test(path))).toEqual([]);
});
