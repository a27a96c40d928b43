import type { PlainRecords, RecordError, RecordWalk } from "@tarpan/protocol";
import { recordErrors, shortTextOf, sizeProblem, targetProblem } from "../held/record-problems.ts";
import { delayMsOf, deliverAtOf } from "./due.ts";
import { DelayedHeader } from "./headers.ts";

const encoder = new TextEncoder();
const DELIVER_AT = encoder.encode(DelayedHeader.deliverAt);
const DELAY = encoder.encode(DelayedHeader.delay);

/** What is wrong with `count` plain records that a client produces to `__delayed`. */
export function delayedErrors(
  records: PlainRecords,
  count: number,
  nowMs: number,
  maxMessageBytes: number,
): readonly RecordError[] {
  return recordErrors(records, count, (walk) => {
    const tooLarge = sizeProblem(walk, maxMessageBytes);
    if (tooLarge !== null || walk.isTombstone) return tooLarge;
    return targetProblem(walk) ?? timeProblem(walk, nowMs);
  });
}

function timeProblem(walk: RecordWalk, nowMs: number): string | null {
  const at = walk.header(DELIVER_AT);
  const delay = walk.header(DELAY);
  if (at !== null && delay !== null) {
    return `it has ${DelayedHeader.deliverAt} and ${DelayedHeader.delay}: use one of them`;
  }
  if (at === null && delay === null) {
    return `it has neither ${DelayedHeader.deliverAt} nor ${DelayedHeader.delay}`;
  }
  const result = at === null ? delayMsOf(shortTextOf(delay)) : deliverAtOf(shortTextOf(at), nowMs);
  return typeof result === "string" ? result : null;
}
