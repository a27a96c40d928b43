// Crashes a log in three ways after changes of the disk while it is compacted, and checks what
// recovery finds.
import { expect, it } from "vitest";
import type { FlushPolicy } from "../../src/config/settings.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { Crash } from "../env/crash.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { OPTIONS } from "./batches.ts";
import { batchWith, compact } from "./compaction.ts";
import { CompactionModel } from "./compaction-model.ts";
import { STEP_BYTES } from "./crash-run.ts";
import { ID } from "./segment-fixture.ts";

const SMALL = { ...OPTIONS, segmentBytes: 900, segmentMs: 1e9, indexIntervalBytes: 100 };

interface History {
  readonly model: CompactionModel;
  /** The end of what was durable after so many changes of the disk. */
  readonly ends: { at: number; endOffset: number }[];
  /** Where the first compaction began. */
  from: number;
}

async function run(env: TestEnv, flush: FlushPolicy, random: SeededRandom): Promise<History> {
  const deletionStepBytes = STEP_BYTES;
  const engine = await SegmentEngine.openDirectory("/data", { env, flush, deletionStepBytes });
  const log = await engine.create(ID, SMALL);
  const model = new CompactionModel(random, 6);
  const history: History = { model, ends: [], from: 0 };
  const append = async () => {
    await model.append(log);
    if (flush.mode === "always")
      history.ends.push({ at: env.fs.changes.length, endOffset: log.endOffset });
  };
  for (let i = 0; i < 16; i++) await append();
  history.from = env.fs.changes.length;
  const throttle = async () => {
    if (random.chance(0.2)) await append();
  };
  await compact(log, { throttle, nowMs: 1000, deleteRetentionMs: 0 });
  history.ends.push({ at: env.fs.changes.length, endOffset: log.endOffset });
  for (let i = 0; i < 6; i++) await append();
  await log.saveCheckpoint(log.endOffset, Uint8Array.of(1));
  history.ends.push({ at: env.fs.changes.length, endOffset: log.endOffset });
  await compact(log, { throttle, nowMs: 2000, deleteRetentionMs: 0 });
  return history;
}

async function recoverAndCheck(
  env: TestEnv,
  flush: FlushPolicy,
  { model, ends }: History,
  at: number,
  crash: Crash,
): Promise<void> {
  const after = testEnv({ seed: at, fs: env.fs.crashedAt(at, crash) });
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const options = { env: after, flush, log, deletionStepBytes: STEP_BYTES };
  const engine = await SegmentEngine.openDirectory("/data", options);
  const opened = await engine.open(ID, SMALL);
  const ackedEnd = Math.max(0, ...ends.filter((one) => one.at <= at).map((one) => one.endOffset));
  if (flush.mode === "always") expect(opened.endOffset).toBeGreaterThanOrEqual(ackedEnd);
  await model.check(opened, Math.min(ackedEnd, opened.endOffset));
  expect(opened.damagedRanges, lines.join("\n")).toBe(0);
  if (flush.mode === "always")
    expect(lines.filter((line) => !/unfinished writes/.test(line))).toEqual([]);
  expect(after.fs.paths().filter((path) => /\.(cleaned|swap)$/.test(path))).toEqual([]);
  // What is there can be compacted again, and appended to.
  await compact(opened, { nowMs: 3000, deleteRetentionMs: 0 });
  await opened.append(batchWith([{ key: "z", value: "z" }]), 0);
  model.appended.push({ offset: opened.endOffset - 1, key: "z", value: "z", timestamp: 1000 });
  await model.check(opened, Math.min(ackedEnd, opened.endOffset));
  model.appended.pop();
}

const policies: FlushPolicy[] = [{ mode: "always" }, { mode: "never" }];
for (const flush of policies) {
  const name = `loses nothing when it crashes during a compaction, flush ${flush.mode}`;
  it(name, { timeout: 120_000 }, async () => {
    const seed = seedOf(`compaction crashes, flush ${flush.mode}`);
    const env = testEnv({ seed });
    const random = new SeededRandom(seed);
    const history = await run(env, flush, random);
    expect(env.fs.changes.length - history.from).toBeGreaterThan(40);
    // Every second change, beginning with either one; `npm run chaos` takes them all.
    const step = process.env.TARPAN_CHAOS === "1" ? 1 : 2;
    for (let at = history.from + (seed % step); at <= env.fs.changes.length; at += step) {
      for (const crash of [
        { kind: "process" },
        { kind: "power" },
        { kind: "torn", random },
      ] satisfies Crash[]) {
        const where = `seed ${seed}, ${crash.kind} crash after change ${at}`;
        await recoverAndCheck(env, flush, history, at, crash).catch((error) => {
          throw new Error(`${where}: ${error.message}`, { cause: error });
        });
      }
    }
  });
}
