import { readFile } from "node:fs/promises";
import type { ProducerRecord } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Command } from "../args/command.ts";
import { BROKER_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { outputFrom } from "../args/output.ts";
import { parsePair } from "../args/values.ts";
import { chunksOfLines } from "../records/lines.ts";
import { parseRecord } from "../records/ndjson.ts";
import { type Records, sendAll } from "../records/send-all.ts";
import { CommandError, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { osReason } from "../terminal/os-reason.ts";
import { withClient } from "./connect.ts";
import { SENDER_OPTIONS, senderFrom } from "./sender.ts";

const STANDARD_INPUT = "-";
/** How many copies of --message are made at a time. */
const PORTION = 1_000;
const MAX_PARTITION = 2_147_483_647;

export const produce: Command = {
  name: "produce",
  summary: "Send records, from the command line or from standard input, one per line.",
  usage: [
    "TOPIC --message TEXT [--count N]",
    "TOPIC [--format lines|ndjson] < INPUT",
    "TOPIC --format raw [FILE…]",
    "TOPIC (--delay TIME | --deliver-at TIME | --order-key TEXT | --transactional-id ID) …",
  ],
  options: [
    ...BROKER_OPTIONS,
    { name: "timeout", argument: "TIME", help: "give up on a record after this time (2m)" },
    {
      name: "topic",
      short: "t",
      argument: "NAME",
      help: "the topic, the same as a bare TOPIC; created if the broker allows it",
    },
    {
      name: "partition",
      short: "p",
      argument: "N",
      help: "the partition; left out, the key decides",
    },
    { name: "key", short: "k", argument: "TEXT", help: "key of every record" },
    { name: "message", short: "m", argument: "TEXT", help: "the value, instead of standard input" },
    { name: "count", short: "c", argument: "N", help: "how often to send the message (1)" },
    {
      name: "format",
      argument: "FORMAT",
      help: "format of the input: lines (default), ndjson, or raw",
    },
    {
      name: "tombstones",
      short: "Z",
      help: "send an empty value as null: a tombstone, which deletes its key in a compacted topic",
    },
    {
      name: "key-delimiter",
      short: "K",
      argument: "TEXT",
      help: "separates key and value in each line",
    },
    {
      name: "header",
      short: "H",
      argument: "NAME=VALUE",
      repeat: true,
      help: "a header of every record",
    },
    ...SENDER_OPTIONS,
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan produce --topic greetings --message Hello --count 10",
    "seq 1000 | tarpan produce --topic numbers",
    "printf 'k1:v1\\nk2:v2\\n' | tarpan produce --topic pairs -K : -z lz4",
    "tarpan produce reminders --delay 5m --id order-4711 --message 'Pay order 4711'",
    "tarpan produce transfers --transactional-id import-7 --format ndjson < transfers.ndjson",
    "tarpan produce images --key logo --format raw logo.png",
    "echo 'user-7:' | tarpan produce users -K : -Z",
    `echo '{"key":"k","value":"v","headers":[["h","1"]]}' | tarpan produce --topic t --format ndjson`,
  ],
  async run(args, io) {
    const records = recordsFrom(args, io);
    const open = senderFrom(args);
    const output = outputFrom(args, io);
    args.end("; a message is given with --message TEXT, or on standard input");
    await withClient(args, io, (client, deliveryTimeoutMs) =>
      output.around(() => sendAll(open(client, output, deliveryTimeoutMs), records, output, io)),
    );
  },
};

/** Checks the options at once; reads standard input only when the result is iterated. */
function recordsFrom(args: Arguments, io: Io): Records {
  const shared = sharedFrom(args);
  const message = args.text("message");
  const count = args.integer("count", 1) ?? 1;
  const format = args.oneOf("format", ["lines", "ndjson", "raw"]) ?? "lines";
  if (message === undefined && args.has("count")) throw new UsageError("--count needs --message");
  const typed = io.stdin.isTTY === true;
  if (format === "ndjson" && message === undefined)
    return Object.assign(fromNdjson(shared, io), { typed });
  const make = recordMaker(shared, args.has("tombstones"));
  if (message !== undefined) return repeated(make(shared.key, message), count);
  if (format === "raw") return fromFiles(make, shared, args.words(), io);
  const lines = fromLines(make, shared, args.text("key-delimiter"), io);
  return Object.assign(lines, { typed });
}

type Content = Uint8Array | string | null | undefined;
type MakeRecord = (key: Content, value: Uint8Array | string) => ProducerRecord;

/** With `tombstones`, an empty value becomes null, as with kcat's -Z. */
function recordMaker({ topic, partition, headers }: Shared, tombstones: boolean): MakeRecord {
  if (!tombstones) return (key, value) => ({ topic, partition, key, value, headers });
  return (key, value) => ({
    topic,
    partition,
    key: key?.length === 0 ? null : key,
    value: value.length === 0 ? null : value,
    headers,
  });
}

/** A record for each file; `-`, or no file at all, means standard input. */
async function* fromFiles(
  make: MakeRecord,
  { key }: Shared,
  paths: readonly string[],
  io: Io,
): AsyncGenerator<ProducerRecord[], void, undefined> {
  for (const path of paths.length === 0 ? [STANDARD_INPUT] : paths)
    yield [make(key, await wholeOf(path, io))];
}

async function wholeOf(path: string, io: Io): Promise<Buffer> {
  if (path === STANDARD_INPUT) return Buffer.concat(await io.stdin.toArray());
  try {
    return await readFile(path);
  } catch (error) {
    throw new CommandError(`can't read ${path}: ${osReason(error)}`, { cause: error });
  }
}

type Shared = Omit<ProducerRecord, "value">;

function sharedFrom(args: Arguments): Shared {
  const topic = args.named("topic");
  // -1 means "not given" in a client.json.
  const partition = args.integer("partition", -1, MAX_PARTITION);
  const headers = args.texts("header").map((pair) => {
    const [key, value] = parsePair(pair, "--header");
    return { key, value };
  });
  return {
    topic,
    partition: partition === -1 ? undefined : partition,
    key: args.text("key"),
    headers: headers.length === 0 ? undefined : headers,
  };
}

export async function* repeated(
  record: ProducerRecord,
  count: number,
): AsyncGenerator<ProducerRecord[], void, undefined> {
  for (let left = count; left > 0; left -= PORTION)
    yield new Array<ProducerRecord>(Math.min(left, PORTION)).fill(record);
}

async function* fromLines(
  make: MakeRecord,
  shared: Shared,
  delimiter: string | undefined,
  io: Io,
): AsyncGenerator<ProducerRecord[], void, undefined> {
  if (io.stdin.isTTY) io.stderr.write("one record per line; end with Ctrl-D\n");
  const delimiterBytes = Buffer.byteLength(delimiter ?? "");
  for await (const lines of chunksOfLines(io.stdin)) {
    yield lines.map((line) => {
      const at = delimiter ? line.indexOf(delimiter) : -1;
      if (at < 0) return make(shared.key, line);
      return make(line.subarray(0, at), line.subarray(at + delimiterBytes));
    });
  }
}

async function* fromNdjson(
  shared: Shared,
  io: Io,
): AsyncGenerator<ProducerRecord[], void, undefined> {
  let number = 0;
  for await (const lines of chunksOfLines(io.stdin)) {
    const records: ProducerRecord[] = [];
    try {
      for (const line of lines) {
        number++;
        const text = line.toString();
        if (text.trim() !== "") records.push(fromJson(shared, text, number));
      }
    } finally {
      // The lines before a bad one are sent, too.
      yield records;
    }
  }
}

function fromJson(shared: Shared, line: string, number: number): ProducerRecord {
  const record = parseRecord(line, `line ${number}`);
  return {
    topic: shared.topic,
    value: record.value,
    key: record.key ?? shared.key,
    partition: shared.partition ?? record.partition,
    headers: [...(shared.headers ?? []), ...(record.headers ?? [])],
    timestamp: record.timestamp,
  };
}
