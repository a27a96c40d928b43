import { existsSync } from "node:fs";
import { Admin, type Client, Producer } from "@tarpan/client";
import { nearest } from "@tarpan/protocol/internal/nearest";
import type { Arguments } from "../args/arguments.ts";
import type { Command } from "../args/command.ts";
import { BROKER_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { outputFrom } from "../args/output.ts";
import { parseDuration } from "../args/values.ts";
import { clientSettings } from "../connection/client-settings.ts";
import { kcatFormat } from "../records/format.ts";
import { ndjsonFormat } from "../records/ndjson.ts";
import { readRecords } from "../records/read-records.ts";
import { sendAll } from "../records/send-all.ts";
import { DirectSender } from "../records/sender.ts";
import { describeFailure, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { type ClientFile, readClientFile } from "./client-file.ts";
import { withCluster } from "./connect.ts";
import { repeated } from "./produce.ts";
import { createTopic, deleteTopic, describeTopic, listTopics } from "./topic.ts";

const DEFAULT_FILE = "configs/client.json";
const RECORD_LINES = "%p@%o %s\\n";
const MAX_INT32 = 2_147_483_647;

const NO_ROTATION = { maxSizeBytes: 0, maxBackups: 0, maxAgeMs: 0, compress: false };

/** Flags override the file, which overrides the defaults. A number of -1 counts as not given. */
interface Request {
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  readonly message: string | undefined;
  readonly offset: number | undefined;
  readonly count: number | undefined;
  readonly partitions: number;
  readonly replicas: number;
  readonly timeoutMs: number | undefined;
}

type Action = (client: Client, request: Request, output: Output, io: Io) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, Action>> = {
  "create-topic": (client, request, output) => {
    const { partitions, replicas } = request;
    return createTopic(new Admin(client), output, { name: topicOf(request), partitions, replicas });
  },
  "list-topics": (client, _request, output) => listTopics(new Admin(client), output, false),
  "describe-topic": (client, request, output) =>
    describeTopic(new Admin(client), output, topicOf(request)),
  "delete-topic": (client, request, output) =>
    deleteTopic(new Admin(client), output, topicOf(request)),
  produce: (client, request, output, io) => {
    const { partition, message, count } = request;
    if (message === undefined) throw new UsageError("--message is missing");
    const record = { topic: topicOf(request), partition, value: message };
    const producer = new Producer(client, { deliveryTimeoutMs: request.timeoutMs });
    return sendAll(new DirectSender(producer), repeated(record, count ?? 1), output, io);
  },
  consume: (client, request, output, io) =>
    readRecords(
      client,
      {
        topic: topicOf(request),
        partition: request.partition,
        start: request.offset ?? "earliest",
        isolationLevel: "read_uncommitted",
        count: request.count ?? Number.POSITIVE_INFINITY,
        stopAtEnd: true,
        format: output.isJson ? ndjsonFormat : kcatFormat(RECORD_LINES),
      },
      io,
    ),
};

const names = Object.keys(ACTIONS).join(", ");

export const client: Command = {
  name: "client",
  summary: "Topics, produce and consume in one command, with defaults from a client.json.",
  usage: ["[--config client.json] --cmd COMMAND [options]"],
  options: [
    { name: "config", argument: "FILE", help: `defaults; ${DEFAULT_FILE} is read if it exists` },
    { name: "cmd", argument: "COMMAND", help: names },
    ...BROKER_OPTIONS,
    { name: "topic", argument: "NAME", help: "the topic" },
    {
      name: "partition",
      argument: "N",
      help: "the partition; left out, produce picks one and consume reads all",
    },
    { name: "message", argument: "TEXT", help: "produce: the value to send" },
    { name: "offset", argument: "N", help: "consume: where to start (the beginning)" },
    {
      name: "count",
      argument: "N",
      help: "produce: how often to send it (1); consume: stop after N records",
    },
    { name: "partitions", argument: "N", help: "create-topic: number of partitions (1)" },
    { name: "replicas", argument: "N", help: "create-topic: replicas of each (1)" },
    { name: "log", argument: "FILE", help: "append a line about each command to this file" },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan client -cmd=create-topic -topic=t -partitions=3 -replicas=1",
    'tarpan client -config=client.json -cmd=produce -topic=t -partition=0 -message="Hello" -count=5',
    "tarpan client -cmd=consume -topic=t -partition=0 -offset=0",
  ],
  async run(args, io) {
    const file = await fileFrom(args);
    const name = args.text("cmd") ?? file.command?.type ?? "";
    const action = actionOf(name);
    const timeoutMs =
      file.timeout === undefined ? undefined : parseDuration(file.timeout, "timeout");
    const request = { ...requestFrom(args, file.command ?? {}), timeoutMs };
    const log = args.text("log") ?? file.log_file;
    const output = outputFrom(args, io);
    args.end("; say what to do with --cmd");
    const settings = await clientSettings(args, io, {
      bootstrap: file.broker_addrs?.join(","),
      timeoutMs,
    });
    await logged(log, name, request, io, () =>
      withCluster(settings, io, (cluster) =>
        // Records are printed as they come.
        name === "consume"
          ? action(cluster, request, output, io)
          : output.around(() => action(cluster, request, output, io)),
      ),
    );
  },
};

function actionOf(name: string): Action {
  if (Object.hasOwn(ACTIONS, name)) return ACTIONS[name]!;
  if (name === "") throw new UsageError(`--cmd is missing: ${names}`);
  const near = nearest(name, Object.keys(ACTIONS));
  const hint = near === null ? `it must be ${names}` : `did you mean ${near}?`;
  throw new UsageError(`there is no --cmd ${JSON.stringify(name)}; ${hint}`);
}

async function fileFrom(args: Arguments): Promise<ClientFile> {
  const path = args.text("config");
  if (path !== undefined) return readClientFile(path);
  return existsSync(DEFAULT_FILE) ? readClientFile(DEFAULT_FILE) : {};
}

function requestFrom(
  args: Arguments,
  file: NonNullable<ClientFile["command"]>,
): Omit<Request, "timeoutMs"> {
  const number = (name: "partition" | "offset" | "count", to?: number) => {
    const value = args.integer(name, -1, to) ?? file[name];
    return value === -1 ? undefined : value;
  };
  return {
    topic: args.text("topic") ?? file.topic,
    partition: number("partition", MAX_INT32),
    message: args.text("message") ?? file.message,
    offset: number("offset"),
    count: number("count"),
    partitions: args.integer("partitions", 1, MAX_INT32) ?? 1,
    replicas: args.integer("replicas", 1, MAX_INT32) ?? 1,
  };
}

function topicOf({ topic }: Request): string {
  if (topic === undefined || topic === "") throw new UsageError("--topic is missing");
  return topic;
}

/** Runs `work` and, if there is a log file, writes one line about the outcome to it. */
async function logged(
  path: string | undefined,
  command: string,
  request: Request,
  io: Io,
  work: () => Promise<unknown>,
): Promise<void> {
  if (path === undefined) {
    await work();
    return;
  }
  const { LogFile } = await import("../logging/log-file.ts");
  const tell = (what: string) => io.stderr.write(`tarpan: ${what}\n`);
  const log = new LogFile({ path, ...NO_ROTATION, tell });
  const note = (outcome: string) => {
    const { topic, partition } = request;
    const event = { time: new Date().toISOString(), command, topic, partition, outcome };
    log.write(`${JSON.stringify(event)}\n`);
  };
  try {
    await work();
    note("done");
  } catch (error) {
    note(describeFailure(error));
    throw error;
  }
}
