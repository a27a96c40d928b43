import {
  type Client,
  DamagedRangeError,
  type GroupConsumer,
  type RetryPolicy,
} from "@tarpan/client";
import { CommandError } from "../terminal/failures.ts";
import { Interrupts } from "../terminal/interrupts.ts";
import type { Io } from "../terminal/io.ts";
import type { CommandHandler } from "./command-handler.ts";
import { damaged, goOnInGroup } from "./damaged.ts";
import { type GroupRequest, openConsumer } from "./read-in-group.ts";

export interface GroupHandleRequest extends GroupRequest {
  readonly count: number;
  readonly handler: CommandHandler;
  readonly concurrency: number | undefined;
  readonly retry: RetryPolicy | undefined;
  /** Whether records that have failed for good become dead letters. */
  readonly deadLetters: boolean;
}

/** Handles records as a member of a group until interrupted; running commands may end first. */
export async function handleInGroup(client: Client, request: GroupHandleRequest, io: Io) {
  const { groupId, handler } = request;
  const consumer = await openConsumer(client, request);
  const ending = new AbortController();
  const interrupts = new Interrupts(io, () => {
    ending.abort();
    if (handler.isBusy)
      io.stderr.write("waiting for running commands; a second signal kills them\n");
  });
  const insisted = interrupts.insisted.then(() => {
    handler.kill();
    throw new CommandError("interrupted: what was not done will be handled again");
  });
  try {
    await Promise.race([run(consumer, request, ending), insisted]);
  } catch (error) {
    throw error instanceof DamagedRangeError ? damaged([error], goOnInGroup(groupId)) : error;
  } finally {
    interrupts.off();
  }
}

async function run(
  consumer: GroupConsumer,
  { handler, count, concurrency, retry, deadLetters }: GroupHandleRequest,
  ending: AbortController,
): Promise<void> {
  let done = 0;
  const maxAttempts = 1 + (retry?.maxRetries ?? 0);
  await consumer.run({
    concurrency,
    retry,
    deadLetter: deadLetters ? {} : undefined,
    signal: ending.signal,
    eachRecord: async (record, context) => {
      let isDone = context.attempt >= maxAttempts;
      try {
        await handler.handle(record, context);
        isDone = true;
      } finally {
        if (isDone && ++done >= count) ending.abort();
      }
    },
  });
}
