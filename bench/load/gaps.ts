import { setTimeout as sleep } from "node:timers/promises";

export interface GapsResult {
  /** For each partition, the longest time without an acknowledged produce. */
  readonly longestMs: readonly number[];
}

/** Pause between an ack and the next produce to that partition: short compared with the gaps. */
const PAUSE_MS = 20;

/**
 * Produces to each partition, one batch at a time, until the time is over. `attempt` resolves to
 * whether its batch was acknowledged, and is called again at once if not. `whenAcked` is called
 * when every partition has had an acknowledgement.
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
  // Does not wait for attempts that are never answered.
  await Promise.race([Promise.all(loops), sleep(measureMs)]);
  // A gap that has not ended counts up to now.
  for (const [partition, ackMs] of lastAckMs.entries())
    longestMs[partition] = Math.max(longestMs[partition]!, performance.now() - (ackMs ?? 0));
  return { longestMs };
}
