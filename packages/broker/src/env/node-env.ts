import { performance } from "node:perf_hooks";
import type { Env, Timers } from "./env.ts";
import { nodeFiles } from "./node-files.ts";
import { nodeMachine } from "./node-machine.ts";
import { nodeNetwork } from "./node-network.ts";
import { nodeProcesses } from "./node-processes.ts";
import { nodePrograms } from "./node-programs.ts";
import { nodeThreads } from "./node-threads.ts";
import { RandomPool } from "./random-pool.ts";

/** With a longer delay setTimeout fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const timers: Timers = {
  after(delayMs, fire) {
    // A delay of more than 24 days takes several timers.
    const waitMs = Math.min(delayMs, MAX_TIMEOUT_MS);
    const due = waitMs === delayMs ? fire : () => (inner = timers.after(delayMs - waitMs, fire));
    let inner: { cancel(): void } | undefined;
    const timeout = setTimeout(due, waitMs);
    timeout.unref();
    return {
      cancel() {
        clearTimeout(timeout);
        inner?.cancel();
      },
    };
  },
  afterThisTurn(fire) {
    setImmediate(fire);
  },
};

/** The real world. */
export const nodeEnv: Env = {
  clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
  timers,
  random: new RandomPool(),
  fs: nodeFiles,
  machine: nodeMachine,
  processes: nodeProcesses,
  programs: nodePrograms,
  network: nodeNetwork,
  threads: nodeThreads,
};
