// Compares random operations on every engine with a model that is too simple to be wrong.
import { describe, expect, it } from "vitest";
import type { Log, LogId } from "../../src/log/log.ts";
import type { LogEngine } from "../../src/log/log-engine.ts";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { aloneOnTheMachine, testEnv } from "../env/test-env.ts";
import { baseOffsetOf, batchOf, nextOffsetOf, OPTIONS } from "./batches.ts";

const ID: LogId = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
const STEPS = 400;

interface ModelBatch {
  base: number;
  next: number;
  timestamp: number;
  bytes: Uint8Array;
}

class Model {
  batches: ModelBatch[] = [];
  start = 0;
  checkpoint: number | null = null;

  get end(): number {
    return this.batches.at(-1)?.next ?? 0;
  }

  read(offset: number, maxBytes: number, upTo: number): ModelBatch[] {
    const found: ModelBatch[] = [];
    let left = maxBytes;
    for (const batch of this.batches) {
      if (batch.next <= offset) continue;
      left -= batch.bytes.length;
      if (batch.base >= upTo || (found.length > 0 && left < 0)) break;
      found.push(batch);
    }
    return found;
  }

  offsetAt(timestamp: number): number | null {
    const found = this.batches.find((b) => b.next > this.start && b.timestamp >= timestamp);
    return found ? Math.max(found.base, this.start) : null;
  }
}

/** An engine, and how to crash and reopen it; null when nothing survives a crash. */
interface Subject {
  engine: LogEngine;
  crash: (() => Promise<LogEngine>) | null;
}

async function memorySubject(): Promise<Subject> {
  return { engine: new MemoryEngine(testEnv()), crash: null };
}

async function segmentSubject(seed: number): Promise<Subject> {
  let env = testEnv({ seed });
  const open = () => SegmentEngine.openDirectory("/data", { env, flush: { mode: "always" } });
  const crash = () => {
    const kind = env.random.pick(["process", "power"] as const);
    const fs = env.fs.crashedAt(env.fs.changes.length, { kind });
    env = { ...testEnv({ seed: env.random.below(1000), fs }), processes: aloneOnTheMachine() };
    return open();
  };
  return { engine: await open(), crash };
}

async function step(log: Log, model: Model, random: SeededRandom, id: number): Promise<void> {
  const dice = random.below(10);
  const anyOffset = () => model.start + random.below(model.end - model.start + 1);
  if (dice < 4) {
    const appends = Array.from({ length: 1 + random.below(4) }, async () => {
      const timestamp = 1000 + id + random.below(50);
      const options = { count: 1 + random.below(5), valueBytes: random.below(300), timestamp };
      const bytes = batchOf(id, options);
      const base = log.nextOffset;
      model.batches.push({ base, next: base + options.count, timestamp, bytes });
      expect(await log.append(bytes, 0)).toBe(base);
    });
    await Promise.all(appends);
  } else if (dice < 7) await compareRead(log, model, random, anyOffset());
  else if (dice === 7) {
    const timestamp = 1000 + random.below(id + 60);
    expect(await log.offsetAt(timestamp)).toBe(model.offsetAt(timestamp));
  } else if (dice === 8 && random.chance(0.3)) {
    const offset = anyOffset();
    await log.deleteBefore(offset);
    model.start = Math.max(model.start, offset);
  } else if (dice === 9) {
    model.checkpoint = anyOffset();
    await log.saveCheckpoint(model.checkpoint, Uint8Array.of(id % 256));
  }
  expect(log).toMatchObject({ startOffset: model.start, endOffset: model.end, failure: null });
}

/** An engine may return fewer batches than the model, but never other ones. */
async function compareRead(log: Log, model: Model, random: SeededRandom, offset: number) {
  const maxBytes = random.pick([0, 1, 500, 2000, 1 << 20]);
  const upTo = random.chance(0.3) ? offset + random.below(10) : model.end;
  const expected = model.read(offset, maxBytes, Math.min(upTo, model.end));
  const found = await log.read(offset, maxBytes, upTo);
  if (expected.length > 0) expect(found.length).toBeGreaterThan(0);
  expect(found.length).toBeLessThanOrEqual(expected.length);
  for (const [i, batch] of found.entries())
    expect(Buffer.compare(batch, expected[i]!.bytes)).toBe(0);
}

async function compareAll(log: Log, model: Model): Promise<void> {
  const expected = model.batches.filter((batch) => batch.next > model.start);
  let offset = model.start;
  for (let i = 0; offset < log.endOffset; ) {
    for (const batch of await log.read(offset, 700)) {
      expect(baseOffsetOf(batch)).toBe(expected[i]!.base);
      expect(Buffer.compare(batch, expected[i]!.bytes)).toBe(0);
      offset = nextOffsetOf(batch);
      i += 1;
    }
  }
  expect(offset).toBe(model.end);
  const checkpoint = await log.loadCheckpoint();
  const isCovered = model.checkpoint !== null && model.checkpoint >= model.start;
  expect(checkpoint?.offset ?? null).toBe(isCovered ? model.checkpoint : null);
}

async function runRandomly(seed: number, make: (seed: number) => Promise<Subject>): Promise<void> {
  const random = new SeededRandom(seed);
  const options = { ...OPTIONS, segmentBytes: 1500, segmentMs: 200, indexIntervalBytes: 150 };
  const subject = await make(seed);
  let { engine } = subject;
  let log = await engine.create(ID, options);
  const model = new Model();
  for (let id = 0; id < STEPS; id++) {
    await step(log, model, random, id);
    if (!random.chance(0.04)) continue;
    if (subject.crash && random.chance(0.5)) {
      engine = await subject.crash();
    } else await log.close();
    log = await engine.open(ID, options);
    expect(log).toMatchObject({ startOffset: model.start, endOffset: model.end });
    await compareAll(log, model);
  }
  await compareAll(log, model);
  await engine.close();
  await expect(log.read(0, 1)).rejects.toBeInstanceOf(LogError);
}

describe("random operations", () => {
  const subjects = { memory: memorySubject, segment: segmentSubject };
  for (const [name, make] of Object.entries(subjects))
    it(`${name} agrees with the model`, { timeout: 60_000 }, async () => {
      const seed = seedOf(`random operations, ${name}`);
      for (let round = 0; round < 5; round++)
        await runRandomly(seed + round, make).catch((error: Error) => {
          throw new Error(`seed ${seed}, round ${round}: ${error.message}`, { cause: error });
        });
    });
});
