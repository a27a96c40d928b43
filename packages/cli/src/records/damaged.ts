import type { DamagedRangeError } from "@tarpan/client";
import { CommandError } from "../terminal/failures.ts";

/** How to continue: a command with the first offset after the damage. */
type GoOn = (range: DamagedRangeError, next: number | string) => string;

export const goOnReading: GoOn = ({ partition }, next) =>
  `--partition ${partition} --offset ${next}`;

export function goOnInGroup(groupId: string): GoOn {
  return ({ topic, partition }, next) =>
    `tarpan group reset-offsets ${groupId} --topic ${topic}:${partition} --to-offset ${next} --execute`;
}

/** Which offsets could not be read, and how to continue after them. */
export function damaged(ranges: readonly DamagedRangeError[], goOn: GoOn): CommandError {
  const texts = ranges.map((range) => {
    const { topic, partition, offset, nextOffset } = range;
    const until = nextOffset === null ? "and later" : `to ${nextOffset - 1}`;
    const where = `${topic}-${partition}: offsets ${offset} ${until} are damaged or missing`;
    return `${where}; continue after them with: ${goOn(range, nextOffset ?? "OFFSET")}`;
  });
  return new CommandError(texts.join("; "), { cause: ranges[0] });
}
