import type { ProducerRecord } from "@tarpan/client";
import { CommandError, describeFailure } from "../terminal/failures.ts";
import { Interrupts } from "../terminal/interrupts.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { Progress } from "../terminal/progress.ts";
import type { Sender } from "./sender.ts";

/** Records in portions, each to be sent at once. */
export interface Records extends AsyncIterable<readonly ProducerRecord[]> {
  /** A user types the records on this terminal, so no progress is drawn there. */
  readonly typed?: boolean;
}

/**
 * Sends records as they come, holding at most the producer's buffer, and prints where they are.
 * Stops at the first failure, or when it is interrupted: the records read so far are still sent,
 * unless a second interrupt comes.
 */
export async function sendAll(
  sender: Sender,
  records: Records,
  output: Output,
  io: Io,
): Promise<void> {
  const progress = records.typed ? null : new Progress(io.stderr, "sent");
  const interrupts = new Interrupts(io, () => {
    // The terminal has written ^C into the current line.
    if (records.typed) io.stderr.write("\n");
    io.stdin.destroy();
  });
  let taken = 0;
  let failure: Error | null = null;
  const failed = (error: Error) => {
    failure ??= error;
  };
  const send = async () => {
    for await (const portion of records) {
      if (failure !== null || interrupts.came) return;
      taken += portion.length;
      await sender.send(portion, failed);
      progress?.reached(sender.count);
    }
  };
  const sent = send()
    .catch((error: Error) => {
      // Closing standard input makes the reader fail with an error.
      if (!interrupts.came) failed(error);
    })
    .then(() => sender.close(failure === null && !interrupts.came))
    .catch(failed);
  try {
    await Promise.race([sent, interrupts.insisted]);
  } finally {
    interrupts.off();
  }
  progress?.end();
  tellOutcome(sender, taken, failure, output);
}

function tellOutcome(sender: Sender, taken: number, failure: Error | null, output: Output): void {
  sender.print(output);
  if (taken === 0 && failure === null) output.text("nothing to send\n");
  if (failure !== null)
    throw new CommandError(`${describeFailure(failure)}${sender.whatCounts()}`, { cause: failure });
  const unfinished = sender.unfinished(taken);
  if (unfinished !== null) throw new CommandError(`interrupted${unfinished}`);
}
