import type { Timer, Timers } from "../../env/env.ts";

/**
 * Asks, and asks again after each of the waits for as long as nothing has come: whoever is asked
 * may be silent for good. The first answer counts, also a late one to an early question. Null: no
 * answer came to any.
 */
export function askAgain<T>(
  timers: Timers,
  waitsMs: readonly number[],
  ask: () => Promise<T | null>,
): Promise<T | null> {
  return new Promise((resolve) => {
    let asked = 0;
    let silent = 0;
    let timer: Timer | null = null;
    const askOnce = () => {
      const waitMs = waitsMs[asked];
      timer = waitMs === undefined ? null : timers.after(waitMs, askOnce);
      asked += 1;
      silent += 1;
      void ask().then(answered);
    };
    const answered = (found: T | null) => {
      silent -= 1;
      if (found === null && silent > 0) return;
      timer?.cancel();
      resolve(found);
    };
    askOnce();
  });
}
