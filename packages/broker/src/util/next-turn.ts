import type { Timers } from "../env/env.ts";

/** Lets other work run on the event loop before a long task continues. */
export type NextTurn = () => Promise<void>;

export function nextTurnOf(timers: Pick<Timers, "afterThisTurn">): NextTurn {
  return () => new Promise((resolve) => timers.afterThisTurn(resolve));
}

/** Continues at once: for code that delays no other work. */
export const goOn: NextTurn = () => Promise.resolve();

/** Passes each slice to `take`, one per turn of the event loop. The first one waits for no turn. */
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

/** Passes each item to `take`, so many in one turn of the event loop. */
export async function inTurns<T>(
  items: Iterable<T>,
  itemsPerTurn: number,
  nextTurn: NextTurn,
  take: (item: T) => void,
): Promise<void> {
  let taken = 0;
  for (const item of items) {
    if (taken > 0 && taken % itemsPerTurn === 0) await nextTurn();
    taken++;
    take(item);
  }
}
