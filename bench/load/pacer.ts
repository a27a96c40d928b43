// A clock tick per message, from a thread of its own: timers of the event loop are a millisecond
// coarse, which is more than what is measured.

import { parentPort, workerData } from "node:worker_threads";

export interface Pace {
  /** Of `process.hrtime`, which is the same in every thread. */
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
