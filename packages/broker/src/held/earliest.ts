import type { NextTurn } from "../util/next-turn.ts";
import { WALKED_AT_A_TIME } from "./limits.ts";
import type { TakenMessage, WaitingMessages } from "./waiting-messages.ts";

/** A message, and when it is due: among messages of one time, the entry decides the order. */
export interface Candidate extends TakenMessage {
  readonly timeMs: number;
}

interface Wanted {
  readonly fromMs: number;
  readonly toMs: number;
  /** Only what comes after this one; null for all. */
  readonly after: Candidate | null;
  readonly limit: number;
}

/**
 * The earliest `limit` of the messages that wait, in order. A million may wait, so they are looked
 * at in slices, one in a turn of the event loop, and never sorted all at once. A message whose time
 * changes meanwhile may be missing.
 */
export async function earliestOf(
  waiting: WaitingMessages,
  { fromMs, toMs, after, limit }: Wanted,
  nextTurn: NextTurn,
): Promise<readonly Candidate[]> {
  let found: Candidate[] = [];
  let endMs = toMs;
  const cut = () => {
    found = found.sort(inOrder).slice(0, limit);
    // Among more of the same time, those with a lower entry come first.
    if (found.length === limit) endMs = Math.min(endMs, found[limit - 1]!.timeMs + 1);
  };
  for (let from = 0; from < waiting.entryCount; from += WALKED_AT_A_TIME) {
    if (from > 0) await nextTurn();
    waiting.forEach(
      (entry) => {
        const timeMs = waiting.timeOf(entry);
        if (timeMs < fromMs || timeMs >= endMs) return;
        const candidate = { ...waiting.at(entry), timeMs };
        if (after === null || inOrder(after, candidate) < 0) found.push(candidate);
        if (found.length >= 2 * limit) cut();
      },
      from,
      from + WALKED_AT_A_TIME,
    );
  }
  cut();
  return found;
}

function inOrder(a: Candidate, b: Candidate): number {
  return a.timeMs - b.timeMs || a.entry - b.entry;
}
