import { type Client, type ConsumedRecord, DamagedRangeError, GroupConsumer } from "@tarpan/client";
import type { Io } from "../terminal/io.ts";
import { damaged, goOnInGroup } from "./damaged.ts";
import { END_WAIT_MS, print, type ReadRequest } from "./read-records.ts";

/** Joins groups of other clients too: these are the names that they deal partitions out by. */
const ASSIGNORS = ["range", "roundrobin", "cooperative-sticky"] as const;

export interface GroupReadRequest
  extends Pick<ReadRequest, "topic" | "count" | "stopAtEnd" | "format"> {
  readonly groupId: string;
  readonly groupInstanceId: string | undefined;
  /** Where to begin in partitions of which nothing was committed. */
  readonly start: "earliest" | "latest";
}

/** Prints records as a member of a group, and commits what was printed: no more, no less. */
export async function readInGroup(
  client: Client,
  request: GroupReadRequest,
  io: Io,
): Promise<number> {
  // A topic mistyped would be waited for for ever.
  await client.topic(request.topic);
  const { groupId, groupInstanceId, start } = request;
  const consumer = new GroupConsumer(client, {
    ...{ groupId, groupInstanceId, assignors: ASSIGNORS, autoOffsetReset: start },
    ...(request.stopAtEnd ? { maxWaitMs: END_WAIT_MS } : {}),
  });
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  io.on("SIGINT", stop);
  io.on("SIGTERM", stop);
  try {
    await consumer.subscribe([request.topic]);
    return await printAll(consumer, request, io, stopped.signal);
  } catch (error) {
    throw error instanceof DamagedRangeError ? damaged([error], goOnInGroup(groupId)) : error;
  } finally {
    io.off("SIGINT", stop);
    io.off("SIGTERM", stop);
    await consumer.close();
  }
}

async function printAll(
  consumer: GroupConsumer,
  request: GroupReadRequest,
  io: Io,
  stopped: AbortSignal,
): Promise<number> {
  const { count, stopAtEnd, format } = request;
  let printed = 0;
  while (printed < count && !stopped.aborted) {
    const records = await consumer.poll();
    const wanted = records.slice(0, count - printed);
    try {
      await print(wanted, format, io);
    } catch (error) {
      await giveBack(consumer, records);
      throw error;
    }
    printed += wanted.length;
    await giveBack(consumer, records.slice(wanted.length));
    if (stopAtEnd && consumer.atEnd) break;
  }
  return printed;
}

/** Leaves these for whoever reads next. */
async function giveBack(consumer: GroupConsumer, records: readonly ConsumedRecord[]) {
  for (const { topic, partition, offset } of [...records].reverse())
    await consumer.seek(topic, partition, offset);
}
