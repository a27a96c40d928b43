import { type Load, pause } from "./load.ts";

const STAY_MS = 2_000;
const AWAY_MS = 1_000;

/** A member that joins and leaves, so that its group is rebalanced again and again. */
export async function restlessly(
  load: Load,
  run: (stays: () => boolean) => Promise<void>,
): Promise<void> {
  while (load.consuming) {
    const leavesAt = performance.now() + STAY_MS;
    await run(() => load.consuming && performance.now() < leavesAt);
    if (load.consuming) await pause(AWAY_MS);
  }
}
