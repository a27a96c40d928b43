import type { Timers } from "../env/env.ts";
import type { PendingLatch } from "../util/latch.ts";
import type { QuietPartitions } from "./quiet-partitions.ts";
import type { WatchedPartition } from "./read-partitions.ts";

interface QuietBefore {
  readonly partitions: Pick<QuietPartitions<unknown>, "events" | "onAdvance">;
  readonly events: number;
}

/** What a fetch waits for. */
export interface FetchWait {
  readonly watched: readonly WatchedPartition[];
  /** The session's quiet partitions, and how many events they had before they were passed over. */
  readonly quiet: QuietBefore | null;
  readonly latches: readonly PendingLatch[];
  /** Bytes that must arrive in all of the partitions together. */
  readonly missingBytes: number;
  readonly maxWaitMs: number;
}

/**
 * Resolves when `missingBytes` have arrived, when a partition is closed, when one of `latches`
 * opens, after `maxWaitMs`, or when a signal aborts; at once if a partition has advanced since it
 * was read.
 */
export function waitForData(
  { watched, quiet, latches, missingBytes, maxWaitMs }: FetchWait,
  timers: Timers,
  signals: readonly AbortSignal[],
): Promise<void> {
  const advanced = watched.some(
    ({ partition, highWatermark }) => partition.highWatermark !== highWatermark,
  );
  const quietAdvanced = quiet !== null && quiet.partitions.events !== quiet.events;
  const isOver = advanced || quietAdvanced || latches.some((latch) => latch.isOpen);
  if (isOver || signals.some((signal) => signal.aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    let leftBytes = missingBytes;
    const done = () => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener("abort", done);
      for (const unsubscribe of subscriptions) unsubscribe();
      resolve();
    };
    const arrived = (sizeBytes: number) => {
      leftBytes -= sizeBytes;
      if (leftBytes <= 0) done();
    };
    const timer = timers.after(maxWaitMs, done);
    for (const signal of signals) signal.addEventListener("abort", done);
    const subscriptions = watched.map(({ partition }) => partition.onAdvance(arrived));
    if (quiet !== null) subscriptions.push(quiet.partitions.onAdvance(arrived));
    for (const latch of latches) latch.onOpen(done);
  });
}
