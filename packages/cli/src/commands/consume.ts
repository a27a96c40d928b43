import type { IsolationLevel } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS } from "../args/options.ts";
import { parseStart } from "../args/values.ts";
import { CommandHandler } from "../records/command-handler.ts";
import { kcatFormat, type RecordFormat } from "../records/format.ts";
import { handleInGroup } from "../records/handle-in-group.ts";
import { ndjsonFormat } from "../records/ndjson.ts";
import { readInGroup } from "../records/read-in-group.ts";
import { readRecords } from "../records/read-records.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { withClient } from "./connect.ts";
import { EXEC_OPTIONS, retryFrom } from "./consume-exec.ts";

const MAX_PARTITION = 2_147_483_647;
const VALUE_LINES = "%s\\n";

export const consume: Command = {
  name: "consume",
  summary: "Read records and print them; waits for new ones unless told to stop.",
  usage: [
    "TOPIC [--partition N] [--offset WHERE] [--count N] [-e] [-f FORMAT]",
    "TOPIC --group GROUP [--offset earliest|latest] [--count N] [-e] [-f FORMAT]",
    "TOPIC --group GROUP --exec COMMAND [--retry POLICY] [--dlq] [--concurrency N]",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "topic", short: "t", argument: "NAME", help: "the topic, the same as a bare TOPIC" },
    { name: "partition", short: "p", argument: "N", help: "the partition; left out, all of them" },
    {
      name: "offset",
      short: "o",
      argument: "WHERE",
      help: "earliest (default), latest, an offset, -N for the last N, @MS or a date for a time",
    },
    { name: "count", short: "c", argument: "N", help: "stop after N records" },
    {
      name: "isolation-level",
      argument: "LEVEL",
      help: "read_uncommitted (default), or read_committed: no record of an open or aborted transaction",
    },
    { name: "exit", short: "e", help: "stop at the end of the log" },
    {
      name: "format",
      short: "f",
      argument: "FORMAT",
      help: "ndjson, or text with %t topic %p partition %o offset %k key %s value %T time %h headers",
    },
    {
      name: "group",
      short: "G",
      argument: "NAME",
      help: "read as a member of this group, from its committed offsets, and commit printed records",
    },
    {
      name: "nulls",
      short: "Z",
      help: 'print a null key or value as "NULL" instead of nothing, as kcat does',
    },
    { name: "json", help: "the same as --format ndjson, and as -o json" },
    { name: "group-instance-id", argument: "ID", help: "with --group: a static member" },
    ...EXEC_OPTIONS,
  ],
  examples: [
    "tarpan consume --topic greetings",
    "tarpan consume --topic orders --partition 0 --offset 100 --count 50",
    "tarpan consume --topic orders -e -f '%t-%p@%o %k=%s\\n'",
    "tarpan consume --topic orders --group billing",
    "tarpan consume orders --group billing --exec ./bill.sh --retry 3,delay=5s --dlq",
    "tarpan consume --topic transfers --isolation-level read_committed",
    "tarpan consume --topic orders --offset 2026-11-20T10:00:00Z --format ndjson",
  ],
  async run(args, io) {
    if (args.has("exec")) return handleByCommand(args, io);
    if (args.has("group")) return consumeInGroup(args, io);
    const partition = args.integer("partition", -1, MAX_PARTITION);
    const request = {
      topic: args.named("topic"),
      partition: partition === -1 ? undefined : partition,
      start: parseStart(offsetFrom(args) ?? "earliest"),
      isolationLevel: isolationFrom(args),
      count: args.integer("count", 1) ?? Number.POSITIVE_INFINITY,
      stopAtEnd: args.has("exit"),
      format: formatFrom(args, VALUE_LINES),
    };
    args.end();
    await withClient(args, io, (client) => readRecords(client, request, io));
  },
};

async function consumeInGroup(args: Arguments, io: Io): Promise<void> {
  const request = {
    ...groupFrom(args),
    stopAtEnd: args.has("exit"),
    format: formatFrom(args, VALUE_LINES),
  };
  for (const name of ["retry", "dlq", "concurrency"])
    if (args.has(name)) throw new UsageError(`--${name} needs --exec COMMAND, which may fail`);
  args.end();
  await withClient(args, io, (client) => readInGroup(client, request, io));
}

async function handleByCommand(args: Arguments, io: Io): Promise<void> {
  if (!args.has("group")) throw new UsageError("--exec needs --group, which counts what is done");
  const request = {
    ...groupFrom(args),
    handler: new CommandHandler(args.required("exec"), formatFrom(args, "%s"), io),
    concurrency: args.integer("concurrency", 1, 100),
    retry: retryFrom(args),
    deadLetters: args.has("dlq"),
  };
  args.end();
  await withClient(args, io, (client) => handleInGroup(client, request, io));
}

/** `--offset` applies to partitions without a committed offset. */
function groupFrom(args: Arguments) {
  if (args.has("partition"))
    throw new UsageError("--partition does not go with --group: the group assigns the partitions");
  return {
    groupId: args.required("group"),
    groupInstanceId: args.text("group-instance-id"),
    topic: args.named("topic"),
    start: groupStartFrom(args),
    isolationLevel: isolationFrom(args),
    count: args.integer("count", 1) ?? Number.POSITIVE_INFINITY,
  };
}

function isolationFrom(args: Arguments): IsolationLevel {
  return (
    args.oneOf("isolation-level", ["read_uncommitted", "read_committed"]) ?? "read_uncommitted"
  );
}

/** `-o json` is the format, as in other commands: it can't be an offset. */
function offsetFrom(args: Arguments): string | undefined {
  const offset = args.text("offset");
  return offset === "json" ? undefined : offset;
}

function groupStartFrom(args: Arguments): "earliest" | "latest" {
  if (offsetFrom(args) === undefined) return "earliest";
  return args.oneOf("offset", ["earliest", "latest"])!;
}

function formatFrom(args: Arguments, usual: string): RecordFormat {
  const nullText = args.has("nulls") ? "NULL" : "";
  if (args.has("json") || args.text("offset") === "json") {
    if (args.has("format")) throw new UsageError("--format does not go with JSON");
    return ndjsonFormat;
  }
  const format = args.text("format") ?? usual;
  if (format === "ndjson" || format === "json") return ndjsonFormat;
  return kcatFormat(format === "text" || format === "lines" ? VALUE_LINES : format, nullText);
}
