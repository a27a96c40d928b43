import type { Env, Processes } from "../../src/env.ts";
import { ManualTime } from "./manual-time.ts";
import { MemoryFiles } from "./memory-files.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface TestEnv extends Env {
  readonly time: ManualTime;
  readonly random: SeededRandom;
  readonly fs: MemoryFiles;
}

let processes = 0;

/** A world of its own: own disk, own clock, own process. */
export function testEnv({ seed = 1, fs = new MemoryFiles() } = {}): TestEnv {
  const time = new ManualTime();
  const random = new SeededRandom(seed);
  return { clock: time, timers: time, time, random, fs, processes: aloneOnTheMachine() };
}

/** A process that sees nobody else alive. */
export function aloneOnTheMachine(): Processes {
  const ownId = ++processes;
  return { ownId, lifeOf: async (processId) => (processId === ownId ? `life${ownId}` : null) };
}
