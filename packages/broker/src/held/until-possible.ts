import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { pause } from "../util/pause.ts";
import { DELIVERY_WARNING_MS, TARGET_RETRY_MS } from "./limits.ts";

export interface Patience {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly logger: Logger;
  readonly closing: AbortSignal;
}

/**
 * Repeats `task` as long as it fails with an error that will pass: the shard goes on where it is,
 * which costs less than to load it anew. The operator is told why. Rejects with another error, or
 * when the shard is closed.
 */
export async function untilPossible<T>(
  task: () => Promise<T>,
  passes: (error: unknown) => boolean,
  { env, logger, closing }: Patience,
): Promise<T> {
  let toldMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (closing.aborted || !passes(error)) throw error;
      const nowMs = env.clock.monotonicMs();
      if (nowMs - toldMs >= DELIVERY_WARNING_MS) {
        toldMs = nowMs;
        const why = (error as Error).message;
        logger.warn(`held messages wait, because the broker can't go on with them now: ${why}`);
      }
      await pause(env.timers, TARGET_RETRY_MS, closing);
    }
  }
}
