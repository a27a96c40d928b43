import type { Timer, Timers } from "../../env/env.ts";

/**
 * Calls `ask`, and again after each of `waitsMs` until there is an answer, because a server may
 * never answer. The first answer to any of the calls counts. Null when none was answered.
 */
export function askRepeatedly<T>(
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
