import type { Timers } from "../env/env.ts";
import type { Coming } from "../util/coming.ts";
import type { WatchedPartition } from "./read-partitions.ts";

/**
 * Resolves at the first advance of one of the partitions, at once when one has advanced since it
 * was read, when something of what is coming is over, after `maxWaitMs`, or when one of the signals
 * aborts.
 */
export function waitForData(
  watched: readonly WatchedPartition[],
  coming: readonly Coming[],
  maxWaitMs: number,
  timers: Timers,
  signals: readonly AbortSignal[],
): Promise<void> {
  const advanced = watched.some(
    ({ partition, highWatermark }) => partition.highWatermark !== highWatermark,
  );
  const isOver = advanced || coming.some((one) => one.isOver);
  if (isOver || signals.some((signal) => signal.aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener("abort", done);
      for (const unsubscribe of subscriptions) unsubscribe();
      resolve();
    };
    const timer = timers.after(maxWaitMs, done);
    for (const signal of signals) signal.addEventListener("abort", done);
    const subscriptions = watched.map(({ partition }) => partition.onAdvance(done));
    for (const one of coming) one.onOver(done);
  });
}
