// A process that reads the topics of a soak: `follow` reads all of them to their ends until it is
// asked to stop (SIGTERM), `scan` reads each partition that it is told once from its start.
import { createInterface } from "node:readline";
import { Client, type ConsumedRecord, Consumer, DamagedRangeError } from "@tarpan/client";
import { place, type Seen, tell, textOf } from "./events.ts";
import { TOPICS } from "./topics.ts";

const [bootstrap, mode] = process.argv.slice(2) as [string, "follow" | "scan"];
const client = new Client({ bootstrap, clientId: `soak-${mode}` });
const commands = createInterface({ input: process.stdin });
let stopped = false;
process.once("SIGTERM", () => {
  stopped = true;
  commands.close();
});

if (mode === "follow") await follow();
else for await (const line of commands) await scan(line);
await client.close();
tell({ event: "stopped" });

async function follow(): Promise<void> {
  const consumer = new Consumer(client, { onOutOfRange: "earliest" });
  const all = TOPICS.flatMap(({ name: topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  );
  await consumer.assign(all.map((each) => ({ ...each, offset: 0 })));
  while (!stopped) {
    try {
      tellRead(await consumer.poll());
    } catch (error) {
      tellFailure("follow", error as Error);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  consumer.close();
}

/** `line` is the partition as `topic partition`. */
async function scan(line: string): Promise<void> {
  const [topic, index] = line.split(" ") as [string, string];
  const at = { topic, partition: Number(index) };
  const name = place(topic, at.partition);
  const consumer = new Consumer(client, { onOutOfRange: "earliest" });
  const lookup = new Consumer(client);
  try {
    await lookup.assign([{ ...at, offset: "latest" }]);
    const end = lookup.position(topic, at.partition);
    await consumer.assign([{ ...at, offset: "earliest" }]);
    while (consumer.position(topic, at.partition) < end) tellRead(await consumer.poll());
    tell({ event: "scanned", at: name });
  } catch (error) {
    tellFailure(name, error as Error);
  }
  consumer.close();
  lookup.close();
}

function tellFailure(at: string, error: Error): void {
  const event = error instanceof DamagedRangeError ? "wrong" : "failed";
  tell({ event, at, error: error.message });
}

function tellRead(records: readonly ConsumedRecord[]): void {
  const byPlace = new Map<string, Seen[]>();
  for (const record of records) {
    const at = place(record.topic, record.partition);
    const seen = byPlace.get(at) ?? [];
    byPlace.set(at, seen);
    seen.push(seenIn(at, record));
  }
  for (const [at, seen] of byPlace) tell({ event: "read", at, records: seen });
}

function seenIn(at: string, { offset, key, value, headers }: ConsumedRecord): Seen {
  const number = Number(headers.find((header) => header.key === "number")?.value);
  const text = key === null ? null : key.toString();
  if (value !== null && !value.toString("latin1").startsWith(textOf(number, text)))
    tell({ event: "wrong", at, error: `offset ${offset} has the value ${value.subarray(0, 40)}` });
  return [number, offset, text, value === null ? 1 : 0];
}
