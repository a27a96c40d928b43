// Appends random keys, compacts, reads meanwhile, moves the start and crashes, and checks each time
// that the last value of every key is at its offset.
import { expect, it } from "vitest";
import { MemoryEngine } from "../../src/log/memory.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { aloneOnTheMachine, testEnv } from "../env/test-env.ts";
import { OPTIONS } from "./batches.ts";
import { compact } from "./compaction.ts";
import { CompactionModel } from "./compaction-model.ts";
import { ID } from "./segment-fixture.ts";

const STEPS = 80;

async function runRandomly(seed: number, inMemory: boolean): Promise<void> {
  const random = new SeededRandom(seed);
  const options = { ...OPTIONS, segmentBytes: 700, segmentMs: 1e9, indexIntervalBytes: 150 };
  let env = testEnv({ seed });
  const memory = new MemoryEngine(env);
  const openDisk = () => SegmentEngine.openDirectory("/data", { env, flush: { mode: "always" } });
  const open = async () => (inMemory ? memory : openDisk());
  let log = await (await open()).create(ID, options);
  const model = new CompactionModel(random);
  let nowMs = 10_000;
  for (let step = 0; step < STEPS; step++) {
    const dice = random.below(20);
    if (dice < 13) await model.append(log);
    else if (dice < 17) {
      nowMs += 300;
      const slots = random.pick([6, 20, 1000]);
      const throttle = async () => {
        if (random.chance(0.5)) await model.append(log);
        if (random.chance(0.5)) await model.check(log);
        if (random.chance(0.05)) await log.deleteBefore(log.startOffset + random.below(5));
      };
      const outcome = await compact(log, { nowMs, slots, throttle }).catch((error) => error.kind);
      expect(["closed", "busy"].includes(outcome) || typeof outcome === "object").toBe(true);
    } else if (dice < 18) {
      const offset = log.startOffset + random.below(log.endOffset - log.startOffset + 1);
      if (random.chance(0.3)) await log.deleteBefore(offset);
    } else if (inMemory) {
      await log.close();
      log = await memory.open(ID, options);
    } else {
      const kind = random.pick(["process", "power"] as const);
      const fs = env.fs.crashedAt(env.fs.changes.length, { kind });
      env = { ...testEnv({ seed: step, fs }), processes: aloneOnTheMachine() };
      log = await (await open()).open(ID, options);
    }
    await model.check(log);
  }
  await compactWholly(log);
  const found = await model.check(log);
  const { endOffset: compactedEnd } = log;
  const keys = found.map(({ key, offset }) => (offset < compactedEnd ? key : null));
  const isActive = (i: number) => keys.indexOf(keys[i]!) === i;
  // At most the active segment, of 700 bytes, has records of keys that are there twice.
  expect(keys.filter((_, i) => !isActive(i)).length).toBeLessThan(20);
  expect(log).toMatchObject({ failure: null, damagedRanges: 0 });
}

async function compactWholly(log: Parameters<typeof compact>[0]): Promise<void> {
  while ((await log.compactor!.measure(0, 0)) !== null) await compact(log, { nowMs: 10 });
}

const title = "keeps the last value of every key, whatever happens";
it.each([false, true])(`${title}, in memory: %s`, { timeout: 60_000 }, async (inMemory) => {
  const seed = seedOf("compaction");
  for (let round = 0; round < 2; round++) {
    await runRandomly(seed + round, inMemory).catch((error: Error) => {
      throw new Error(`seed ${seed}, round ${round}: ${error.message}`, { cause: error });
    });
  }
});
