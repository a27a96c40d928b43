import { LogError } from "../log/log.ts";
import { CONCURRENT_LOG_OPENS } from "./limits.ts";

/** Runs `work` over all items, a bounded number at a time. Log errors are returned, in order. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<(LogError | undefined)[]> {
  const outcomes: (LogError | undefined)[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        await work(items[index]!);
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        outcomes[index] = error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_LOG_OPENS, items.length) }, worker));
  return outcomes;
}
