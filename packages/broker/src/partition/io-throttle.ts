import type { Env } from "../env/env.ts";
import { pause } from "../util/pause.ts";

/** Shorter waits are added up: a timer is not exact to a millisecond. */
const MIN_WAIT_MS = 10;

/**
 * A function that waits after each piece of work until as many bytes per second are permitted.
 * Time in which nothing was done is not saved up. Once
 * `stopping` aborts, it does not wait.
 */
export function forPermitted(
  { clock, timers }: Pick<Env, "clock" | "timers">,
  bytesPerSecond: () => number,
  stopping: AbortSignal,
): (sizeBytes: number) => Promise<void> {
  let permittedMs = clock.monotonicMs();
  return async (sizeBytes) => {
    const nowMs = clock.monotonicMs();
    permittedMs =
      Math.max(permittedMs, nowMs - MIN_WAIT_MS) + (sizeBytes * 1000) / bytesPerSecond();
    const waitMs = permittedMs - nowMs;
    if (waitMs >= MIN_WAIT_MS) await pause(timers, waitMs, stopping).catch(() => {});
  };
}
