import { LogError } from "../log/log-error.ts";
import { inParallel } from "../util/in-parallel.ts";
import { CONCURRENT_LOG_OPENS } from "./limits.ts";

/** Runs `work` for each item, CONCURRENT_LOG_OPENS at a time. Returns the LogErrors by item. */
export function forEachLog<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<(LogError | undefined)[]> {
  return inParallel(items, CONCURRENT_LOG_OPENS, async (item) => {
    try {
      await work(item);
      return undefined;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      return error;
    }
  });
}
