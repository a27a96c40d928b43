import type { DeadLetterFilter, DeadLetters, RedriveProgress } from "@tarpan/client";
import { CommandError, describeFailure } from "../terminal/failures.ts";
import { Interrupts } from "../terminal/interrupts.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { counted, Progress } from "../terminal/progress.ts";
import { requireDeadLetters } from "./dlq-topics.ts";

export interface Redrive {
  readonly filter: DeadLetterFilter;
  readonly to: string | undefined;
  readonly perSecond: number | undefined;
}

/** Redrives until done, or after the first interrupt until the end of the current batch. */
export async function redriveLetters(
  letters: DeadLetters,
  { filter, to, perSecond }: Redrive,
  output: Output,
  io: Io,
): Promise<void> {
  await requireDeadLetters(letters);
  const stop = new AbortController();
  const interrupts = new Interrupts(io, () => stop.abort());
  const progress = new Progress(io.stderr, "redriven");
  let reached: RedriveProgress = { redriven: 0, skipped: 0 };
  const onProgress = (now: RedriveProgress) => {
    reached = now;
    progress.reached(now.redriven);
  };
  const working = letters.redrive(filter, { to, perSecond, onProgress, signal: stop.signal });
  try {
    reached = (await Promise.race([working, interrupts.insisted])) ?? reached;
  } catch (error) {
    throw new CommandError(`${describeFailure(error)}${soFar(reached)}`, { cause: error });
  } finally {
    interrupts.off();
    progress.end();
  }
  if (interrupts.came)
    throw new CommandError(`interrupted${soFar(reached)}; to go on, call it again`);
  const where = to ?? "where they came from";
  const before = reached.skipped === 0 ? "" : `; ${reached.skipped} were redriven before`;
  const text = `redrove ${counted(reached.redriven, "letter")} to ${where}${before}\n`;
  output.add({ topic: letters.topic, ...reached }, text);
}

const soFar = ({ redriven }: RedriveProgress) => ` (${counted(redriven, "letter")} redriven)`;
