// Loaded into a broker by `node --import`: notes the longest turns of its event loop. What counts
// is processor time, of all threads: on a busy machine a turn takes longer than its work.

import { appendFileSync } from "node:fs";

const TICK_MS = 1;
const NOTE_EVERY_MS = 200;

const path = process.env.TARPAN_BENCH_TURNS;
if (path !== undefined) {
  let before = process.cpuUsage();
  let longestMs = 0;
  // A timer fires once in a turn, so what was used since the last time is one turn's, or little.
  setInterval(() => {
    const used = process.cpuUsage(before);
    before = process.cpuUsage();
    longestMs = Math.max(longestMs, (used.user + used.system) / 1000);
  }, TICK_MS).unref();
  setInterval(() => {
    appendFileSync(path, `${process.pid} ${Date.now()} ${longestMs.toFixed(1)}\n`);
    longestMs = 0;
  }, NOTE_EVERY_MS).unref();
}
