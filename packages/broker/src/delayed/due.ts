import { durationMs, ValueError } from "../config/values.ts";
import { DELAY_LEVELS, DelayedHeader } from "./headers.ts";
import { MAX_DELAY_MS } from "./limits.ts";

const LEVEL = /^level(\d{1,3})$/;

/** The length of a `tarpan-delay`, ms; or what is wrong with it. */
export function delayMsOf(text: string): number | string {
  const level = LEVEL.exec(text);
  if (level !== null) {
    const duration = DELAY_LEVELS[Number(level[1]) - 1];
    if (duration !== undefined) return durationMs(duration);
    return `its ${DelayedHeader.delay} is level1 to level${DELAY_LEVELS.length}, not ${text}`;
  }
  try {
    const delayMs = durationMs(text);
    return delayMs <= MAX_DELAY_MS ? delayMs : tooFar(DelayedHeader.delay, text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return `its ${DelayedHeader.delay} ${error.message}, or a level such as level3`;
  }
}

/** The time of a `tarpan-deliver-at`, ms since the epoch; or what is wrong with it. */
export function deliverAtOf(text: string, nowMs: number): number | string {
  if (!/^\d{1,16}$/.test(text)) {
    return `its ${DelayedHeader.deliverAt} must be milliseconds since the epoch, not '${text}'`;
  }
  const atMs = Number(text);
  return atMs - nowMs <= MAX_DELAY_MS ? atMs : tooFar(DelayedHeader.deliverAt, text);
}

function tooFar(header: string, text: string): string {
  const days = MAX_DELAY_MS / 86_400_000;
  return `its ${header} is at most ${days} days ahead, not ${text}`;
}
