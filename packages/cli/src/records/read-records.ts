import { once } from "node:events";
import {
  Admin,
  type Client,
  type ConsumedRecord,
  Consumer,
  DamagedRangeError,
  type IsolationLevel,
  type TopicPartition,
} from "@tarpan/client";
import type { Start } from "../args/values.ts";
import type { Io } from "../terminal/io.ts";
import { damaged, goOnReading } from "./damaged.ts";
import type { RecordFormat } from "./format.ts";

/** How long a broker may wait for more records when reading stops at the end, ms. */
export const END_WAIT_MS = 50;

export interface ReadRequest {
  readonly topic: string;
  /** Left out: all partitions. */
  readonly partition: number | undefined;
  readonly start: Start;
  readonly isolationLevel: IsolationLevel;
  readonly count: number;
  readonly stopAtEnd: boolean;
  readonly format: RecordFormat;
}

/** Prints records until the count or the end is reached, or until it is interrupted. */
export async function readRecords(client: Client, request: ReadRequest, io: Io): Promise<number> {
  const { isolationLevel, stopAtEnd } = request;
  const consumer = new Consumer(client, {
    isolationLevel,
    ...(stopAtEnd ? { maxWaitMs: END_WAIT_MS } : {}),
  });
  const stop = () => consumer.close();
  io.on("SIGINT", stop);
  io.on("SIGTERM", stop);
  try {
    await assign(client, consumer, request);
    return await printAll(consumer, request, io);
  } finally {
    io.off("SIGINT", stop);
    io.off("SIGTERM", stop);
    consumer.close();
  }
}

async function assign(client: Client, consumer: Consumer, request: ReadRequest): Promise<void> {
  const { topic, start, isolationLevel } = request;
  const { partitions } = await client.topic(topic);
  const numbers =
    request.partition === undefined ? partitions.map((p) => p.partition) : [request.partition];
  const assignments = numbers.map(async (partition) => {
    if (typeof start !== "object" || !("last" in start)) return { topic, partition, offset: start };
    const at = { topic, partition };
    return { ...at, offset: await lastOnes(client, at, start.last, isolationLevel) };
  });
  await consumer.assign(await Promise.all(assignments));
}

async function lastOnes(
  client: Client,
  at: TopicPartition,
  count: number,
  isolationLevel: IsolationLevel,
): Promise<number> {
  const admin = new Admin(client);
  const first = await admin.offset(at, "earliest");
  return Math.max(first, (await admin.offset(at, "latest", isolationLevel)) - count);
}

async function printAll(consumer: Consumer, request: ReadRequest, io: Io): Promise<number> {
  const { count, stopAtEnd, format } = request;
  const damages: DamagedRangeError[] = [];
  let printed = 0;
  while (printed < count && !consumer.closed) {
    const records = await consumer.poll().catch((error: Error) => {
      if (!(error instanceof DamagedRangeError)) throw error;
      // The records of the other partitions are read first.
      consumer.remove([error]);
      damages.push(error);
      return [];
    });
    const wanted = records.slice(0, count - printed);
    await print(wanted, format, io);
    printed += wanted.length;
    if (stopAtEnd ? consumer.atEnd : damages.length > 0) break;
  }
  if (damages.length > 0) throw damaged(damages, goOnReading);
  return printed;
}

/** Writes all of them at once. Resolves when the output can take more. */
export async function print(
  records: readonly ConsumedRecord[],
  format: RecordFormat,
  { stdout }: Io,
): Promise<void> {
  if (records.length === 0) return;
  if (!stdout.write(Buffer.concat(records.map(format)))) await once(stdout, "drain");
}
