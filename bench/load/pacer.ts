// Sends one message per tick, from its own thread: the event loop's timers have a resolution of 1
// ms, which is longer than the latencies measured.

import { parentPort, workerData } from "node:worker_threads";

export interface Pace {
  /** In the time of `process.hrtime`, which is the same in every thread. */
  readonly startMs: number;
  readonly periodMs: number;
  readonly count: number;
}

const { startMs, periodMs, count } = workerData as Pace;
const never = new Int32Array(new SharedArrayBuffer(4));

for (let i = 0; i < count; i++) {
  const waitMs = startMs + i * periodMs - Number(process.hrtime.bigint()) / 1e6;
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
  parentPort!.postMessage(i);
}
