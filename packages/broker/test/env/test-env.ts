import type { Env, Machine, Network, Processes, Programs } from "../../src/env/env.ts";
import { ManualTime } from "./manual-time.ts";
import { MemoryFiles } from "./memory-files.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface TestEnv extends Env {
  readonly time: ManualTime;
  readonly random: SeededRandom;
  readonly fs: MemoryFiles;
}

let processes = 0;

/** An Env with its own disk, clock and process. */
export function testEnv({ seed = 1, fs = new MemoryFiles() } = {}): TestEnv {
  const time = new ManualTime();
  fs.nowMs = () => time.wallMs();
  const random = new SeededRandom(seed);
  const processes = aloneOnTheMachine();
  const machine = largeMachine;
  const outside = { programs: noPrograms, network: noNetwork, threads: null };
  return { clock: time, timers: time, time, random, fs, machine, processes, ...outside };
}

export const largeMachine: Machine = { memoryBytes: () => 2 ** 36, openFilesMax: () => 100_000 };

/** A process on a machine where no other process lives. */
export function aloneOnTheMachine(): Processes {
  const ownId = ++processes;
  return { ownId, lifeOf: async (processId) => (processId === ownId ? `life${ownId}` : null) };
}

const refuse = () => Promise.reject(new Error("there is nothing outside of a test's world"));

const noPrograms: Programs = {
  find: async () => null,
  run: refuse,
  start: refuse,
  signal: () => false,
  commandLineOf: async () => null,
  keepAlive: () => () => {},
};

const noNetwork: Network = { listenProblem: async () => null, get: refuse, post: refuse };
