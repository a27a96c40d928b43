import { Admin, type Client, type DeadLetters } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import { confirm } from "../terminal/confirm.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { counted } from "../terminal/progress.ts";
import { requireDeadLetters } from "./dlq-topics.ts";

const MAX_PARTITION = 2_147_483_647;

export interface Purge {
  readonly topic: string;
  /** Undefined for all letters. */
  readonly before: Place | undefined;
  readonly isSure: boolean;
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

export function purgeFrom(args: Arguments): Purge {
  const topic = args.named("topic");
  const partition = args.integer("partition", 0, MAX_PARTITION);
  const offset = args.integer("before-offset");
  if ((partition === undefined) !== (offset === undefined))
    throw new UsageError("--partition and --before-offset need each other");
  const before =
    partition === undefined || offset === undefined ? undefined : { partition, offset };
  return { topic, before, isSure: args.has("yes") };
}

export async function purgeLetters(
  client: Client,
  letters: DeadLetters,
  { topic, before, isSure }: Purge,
  output: Output,
  io: Io,
): Promise<void> {
  await requireDeadLetters(letters);
  // Letters that come after the question stay.
  const places = before === undefined ? await endsOf(client, topic) : [before];
  const { partition, offset } = before ?? {};
  const where = before === undefined ? topic : `${topic}-${partition} before offset ${offset}`;
  if (!isSure) await confirm(await question(letters, where), io);
  let offsetsFreed = 0;
  for (const place of places) offsetsFreed += await letters.purge(place);
  const text = `purged ${where}: ${counted(offsetsFreed, "offset")} freed\n`;
  output.add({ topic, ...before, offsetsFreed }, text);
}

async function endsOf(client: Client, topic: string): Promise<Place[]> {
  const admin = new Admin(client);
  const { partitions } = await admin.describeTopic(topic);
  const places = partitions.map(async ({ partition }) => {
    return { partition, offset: await admin.offset({ topic, partition }, "latest") };
  });
  return Promise.all(places);
}

async function question(letters: DeadLetters, where: string): Promise<string> {
  const { letters: waiting, redriven } = await letters.statistics();
  const all = `${letters.topic} has ${counted(waiting, "letter")}, and ${redriven} redriven`;
  return `${all}. Delete for good what is in ${where}?`;
}
