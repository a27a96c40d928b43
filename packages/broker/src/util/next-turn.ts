import type { Timers } from "../env/env.ts";

/** Lets all else that waits have the event loop before something long goes on. */
export type NextTurn = () => Promise<void>;

export function nextTurnOf(timers: Pick<Timers, "afterThisTurn">): NextTurn {
  return () => new Promise((resolve) => timers.afterThisTurn(resolve));
}

/** For code with which no other work competes: continues at once. */
export const goOn: NextTurn = () => Promise.resolve();

/** Makes one of `slices` a turn, and hands each to `take`. A single slice waits for no turn. */
export async function inSlices<T>(
  slices: Iterable<T>,
  nextTurn: NextTurn,
  take: (slice: T) => void,
): Promise<void> {
  let isFirst = true;
  for (const slice of slices) {
    if (!isFirst) await nextTurn();
    isFirst = false;
    take(slice);
  }
}
