import { setTimeout as sleep } from "node:timers/promises";

export interface GapsResult {
  /** Of each partition, the longest time without an acknowledged produce. */
  readonly longestMs: readonly number[];
}

/** Between an ack and the next produce to that partition: little beside what is measured. */
const PAUSE_MS = 20;

/**
 * Produces to each partition, one at a time, for so long. `attempt` resolves to whether it was
 * acknowledged, and is called again at once when not; `whenAcked` is called when each has been.
 */
export async function measureGaps(
  partitions: number,
  measureMs: number,
  attempt: (partition: number) => Promise<boolean>,
  whenAcked: () => void,
): Promise<GapsResult> {
  const endMs = performance.now() + measureMs;
  const lastAckMs: (number | null)[] = Array(partitions).fill(null);
  const longestMs: number[] = Array(partitions).fill(0);
  let waiting = partitions;
  const count = (partition: number) => {
    const now = performance.now();
    const before = lastAckMs[partition];
    if (before == null) {
      if (--waiting === 0) whenAcked();
    } else longestMs[partition] = Math.max(longestMs[partition]!, now - before);
    lastAckMs[partition] = now;
  };
  const loops = longestMs.map(async (_, partition) => {
    while (performance.now() < endMs) {
      if (await attempt(partition)) count(partition);
      await sleep(PAUSE_MS);
    }
  });
  // An attempt that is never answered has no say in when it ends.
  await Promise.race([Promise.all(loops), sleep(measureMs)]);
  // What has not come back counts as far as it was seen.
  for (const [partition, ackMs] of lastAckMs.entries())
    longestMs[partition] = Math.max(longestMs[partition]!, performance.now() - (ackMs ?? 0));
  return { longestMs };
}
