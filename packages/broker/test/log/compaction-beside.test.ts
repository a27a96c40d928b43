// Compacts a log while everything else happens to it, on a disk whose operations overtake each
// other: readers, searches by time, appends, retention, checkpoints, lost index files. Nobody may
// see a difference, and no damage may be found where there is none.
import { expect, it } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { LogError } from "../../src/log/log-error.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { jitteryFiles } from "../env/jittery-files.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { baseOffsetOf, nextOffsetOf, OPTIONS, segmentsOf } from "./batches.ts";
import { compact } from "./compaction.ts";
import { CompactionModel } from "./compaction-model.ts";
import { STEP_BYTES } from "./crash-run.ts";
import { ID } from "./segment-fixture.ts";

const SMALL = { ...OPTIONS, segmentBytes: 700, segmentMs: 1e9, indexIntervalBytes: 150 };
/** So little memory that indexes are loaded again and again, and few batches are in the tail. */
const SMALL_MACHINE = { memoryBytes: () => 64 * 200, openFilesMax: () => 1000 };

interface Run {
  readonly log: Log;
  readonly model: CompactionModel;
  readonly random: SeededRandom;
  isOver: boolean;
}

const chaos = process.env.TARPAN_CHAOS === "1";

it("nobody notices a compaction beside it", { timeout: 300_000 }, async () => {
  const seed = seedOf("compaction beside others");
  for (let round = 0; round < (chaos ? 300 : 3); round++) {
    await runRandomly(seed + round).catch((error: Error) => {
      throw new Error(`seed ${seed}, round ${round}: ${error.message}`, { cause: error });
    });
  }
});

async function runRandomly(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const model = new CompactionModel(random);
  const env = testEnv({ seed });
  const flush = { mode: random.pick(["always", "never"] as const) };
  const options = { ...SMALL, fileDeleteDelayMs: random.pick([0, 60_000]) };
  let endOffset = 0;
  for (let life = 0; life < 3; life++) {
    const lines: string[] = [];
    const report = (line: string) => void lines.push(line);
    const fs = jitteryFiles(env.fs, random);
    const parts = { ...env, fs, machine: SMALL_MACHINE, processes: aloneOnTheMachine() };
    const deletionStepBytes = random.pick([STEP_BYTES, 1_000_000]);
    const engine = await SegmentEngine.openDirectory("/data", {
      ...{ env: parts, flush, log: report, deletionStepBytes },
    });
    const log = await (life === 0 ? engine.create(ID, options) : engine.open(ID, options));
    expect(log.endOffset).toBe(endOffset);
    await liveOnce({ log, model, random, isOver: false }, life);
    expect(lines).toEqual([]);
    endOffset = log.endOffset;
    await engine.close();
    await loseIndexes(env.fs, random);
    expect(env.fs.paths().filter((path) => /\.(cleaned|swap|tmp|cut)$/.test(path))).toEqual([]);
  }
}

/** So that readers build indexes again, and save them. */
async function loseIndexes(disk: TestEnv["fs"], random: SeededRandom): Promise<void> {
  const names = disk.paths().filter((path) => /\.(index|timeindex)$/.test(path));
  for (const name of names) if (random.chance(0.5)) await disk.remove(name);
}

async function liveOnce(run: Run, life: number): Promise<void> {
  const { log, model, random } = run;
  for (let i = 0; i < 20; i++) await model.append(log);
  const others = [read, read, readOnwards, searchByTime, listSegments, keepHouse];
  const running = others.map((other) => again(run, other));
  const failure = Promise.all(running).then(
    () => null,
    (error: unknown) => error,
  );
  for (let step = 0; step < 5; step++) {
    for (let i = random.below(8); i > 0; i--) await model.append(log);
    const nowMs = 10_000 + 10_000 * life + 700 * step;
    const slots = random.pick([20, 1000]);
    if (run.isOver) break;
    const outcome = await compact(log, { nowMs, slots }).catch((error: LogError) => error.kind);
    if (typeof outcome === "string") expect(outcome).toBe("closed");
  }
  run.isOver = true;
  const failed = await failure;
  if (failed !== null) throw failed;
  await model.check(log);
  expect(log).toMatchObject({ failure: null, damagedRanges: 0 });
}

async function again(run: Run, work: (run: Run) => Promise<void>): Promise<void> {
  try {
    while (!run.isOver) {
      await work(run);
      await new Promise(setImmediate);
    }
  } finally {
    run.isOver = true;
  }
}

function anyOffset({ log, random }: Run): number {
  return log.startOffset + random.below(log.endOffset - log.startOffset + 1);
}

async function read(run: Run): Promise<void> {
  await readAt(run, anyOffset(run));
}

/** Reads on from where it is, as a consumer does. */
async function readOnwards(run: Run): Promise<void> {
  for (let offset = anyOffset(run); offset < run.log.endOffset && !run.isOver; ) {
    const batches = await readAt(run, offset);
    if (batches.length === 0) return;
    offset = nextOffsetOf(batches.at(-1)!);
  }
}

/** No batches when the log's start has moved past `offset`. */
async function readAt({ log, random }: Run, offset: number): Promise<readonly Uint8Array[]> {
  const end = log.endOffset;
  try {
    const batches = await log.read(offset, random.pick([1, 200, 900]));
    if (offset < end) expect(batches.length).toBeGreaterThan(0);
    let expected = offset;
    for (const [i, batch] of batches.entries()) {
      if (i > 0) expect(baseOffsetOf(batch)).toBe(expected);
      else expect(baseOffsetOf(batch)).toBeLessThanOrEqual(expected);
      expected = nextOffsetOf(batch);
      expect(expected).toBeGreaterThan(offset);
    }
    return batches;
  } catch (error) {
    if (!(error instanceof LogError) || error.kind !== "out-of-range") throw error;
    expect(offset).toBeLessThan(log.startOffset);
    return [];
  }
}

/** What a search finds is not behind the newest record that is late enough. */
async function searchByTime(run: Run): Promise<void> {
  const { log, model, random } = run;
  const timestamp = 1000 + random.below(1000);
  const last = model.lastOfEachKey(log.endOffset).filter((one) => one.value !== null);
  const found = await log.offsetAt(timestamp);
  const late = last.filter((one) => one.timestamp >= timestamp && one.offset >= log.startOffset);
  const stays = model.lastOfEachKey(log.endOffset);
  const first = late.find((one) => stays.includes(one));
  if (first !== undefined) {
    expect(found, `at ${timestamp} ${first.offset}`).not.toBeNull();
    expect(found!).toBeLessThanOrEqual(first.offset);
  }
}

async function listSegments({ log }: Run): Promise<void> {
  const { startOffset } = log;
  let end = startOffset;
  for (const segment of await segmentsOf(log)) {
    expect(segment.endOffset).toBeGreaterThan(end);
    end = segment.endOffset;
  }
}

async function keepHouse(run: Run): Promise<void> {
  const { log, random } = run;
  const dice = random.below(12);
  const near = Math.min(log.endOffset, log.startOffset + random.below(12));
  if (dice === 0) await log.deleteBefore(near);
  else if (dice === 1) await log.saveCheckpoint(log.endOffset, Uint8Array.of(1));
  else if (dice === 2) await log.rollIfOld?.();
}
