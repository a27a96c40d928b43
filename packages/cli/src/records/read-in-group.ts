import { type Client, type ConsumedRecord, DamagedRangeError, GroupConsumer } from "@tarpan/client";
import type { Io } from "../terminal/io.ts";
import { damaged, goOnInGroup } from "./damaged.ts";
import { END_WAIT_MS, print, type ReadRequest } from "./read-records.ts";

/** Several, so that it can join groups of other clients: a group needs a common assignor. */
const ASSIGNORS = ["range", "roundrobin", "cooperative-sticky"] as const;

/** Which records to read as a member of which group. */
export interface GroupRequest extends Pick<ReadRequest, "topic" | "isolationLevel"> {
  readonly groupId: string;
  readonly groupInstanceId: string | undefined;
  /** Where to start in partitions without a committed offset. */
  readonly start: "earliest" | "latest";
}

export type GroupReadRequest = GroupRequest & Pick<ReadRequest, "count" | "stopAtEnd" | "format">;

/** Prints records as a member of a group, and commits exactly the offsets of printed records. */
export async function readInGroup(
  client: Client,
  request: GroupReadRequest,
  io: Io,
): Promise<number> {
  const { groupId, stopAtEnd } = request;
  const consumer = await openConsumer(client, request, stopAtEnd ? END_WAIT_MS : undefined);
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  io.on("SIGINT", stop);
  io.on("SIGTERM", stop);
  try {
    return await printAll(consumer, request, io, stopped.signal);
  } catch (error) {
    throw error instanceof DamagedRangeError ? damaged([error], goOnInGroup(groupId)) : error;
  } finally {
    io.off("SIGINT", stop);
    io.off("SIGTERM", stop);
    await consumer.close();
  }
}

/** A consumer that has subscribed and is not a member yet. */
export async function openConsumer(
  client: Client,
  { topic, groupId, groupInstanceId, start, isolationLevel }: GroupRequest,
  maxWaitMs?: number,
): Promise<GroupConsumer> {
  // Without this check, the group would wait forever for a topic that is mistyped.
  await client.topic(topic);
  const consumer = new GroupConsumer(client, {
    ...{ groupId, groupInstanceId, assignors: ASSIGNORS, autoOffsetReset: start },
    isolationLevel,
    ...(maxWaitMs === undefined ? {} : { maxWaitMs }),
  });
  await consumer.subscribe([topic]);
  return consumer;
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

/** Goes back before these records, so that the next member to read them gets them. */
async function giveBack(consumer: GroupConsumer, records: readonly ConsumedRecord[]) {
  for (const { topic, partition, offset } of [...records].reverse())
    await consumer.seek(topic, partition, offset);
}
