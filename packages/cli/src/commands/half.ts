import type { HalfMessage } from "@tarpan/broker/admin";
import type { Arguments } from "../args/arguments.ts";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { outputFrom } from "../args/output.ts";
import { HttpBrokers } from "../cluster/ask.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";

const PATH = "/api/v1/half-messages";
const MAX_LISTED = 10_000;

const RESOLUTIONS = { commit: "committed", rollback: "rolled back" } as const;

const actions: Actions = {
  list: { summary: "list half messages that wait, the next one first", run: list },
  resolve: { summary: "commit messages of a producer group, or roll them back", run: resolve },
};

export const half: Command = {
  name: "half",
  summary: "List half messages, commit them, roll them back.",
  usage: [
    "list    [--group NAME] [--topic NAME] [--limit N]",
    "resolve --group NAME --resolution commit|rollback ID…",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "group", short: "g", argument: "NAME", help: "the producer group" },
    { name: "id", argument: "ID", help: "a message's id, the same as a bare ID; list: only this" },
    { name: "topic", short: "t", argument: "NAME", help: "list: only messages for this topic" },
    { name: "limit", argument: "N", help: `list: at most so many, up to ${MAX_LISTED} (100)` },
    { name: "resolution", argument: "WHICH", help: "resolve: commit or rollback" },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan half list --group orders",
    "tarpan half resolve --group orders --resolution commit order-4711",
  ],
  run: actions,
};

async function list(args: Arguments, io: Io): Promise<void> {
  const output = outputFrom(args, io);
  const limit = args.integer("limit", 1, MAX_LISTED);
  const query = new URLSearchParams();
  const names = { group: args.text("group"), id: args.text("id"), topic: args.text("topic") };
  for (const [name, value] of Object.entries({ ...names, limit })) {
    if (value !== undefined) query.set(name, String(value));
  }
  args.end();
  const answer = await (await HttpBrokers.from(args, io)).ask("GET", `${PATH}?${query}`);
  const { messages } = answer as { readonly messages: readonly HalfMessage[] };
  const titles = ["group", "id", "to", "state", "checks", "next check", "created", "bytes"];
  await output.around(async () =>
    output.table(messages, titles, messages.map(rowOf), "no such message waits"),
  );
}

function rowOf(message: HalfMessage): (string | number)[] {
  const { group, id, topic, partition, state, checks, nextCheckAt, createdAt } = message;
  const place = partition === null ? topic : `${topic}-${partition}`;
  const next = nextCheckAt === null ? "" : new Date(nextCheckAt).toISOString();
  const created = new Date(createdAt).toISOString();
  return [group, id, place, state, checks ?? "", next, created, message.sizeBytes];
}

async function resolve(args: Arguments, io: Io): Promise<void> {
  const group = args.required("group");
  const resolution = args.oneOf("resolution", ["commit", "rollback"]);
  if (resolution === undefined) throw new UsageError("--resolution is missing");
  const ids = args.allNamed("id");
  const output = outputFrom(args, io);
  args.end();
  const brokers = await HttpBrokers.from(args, io);
  await output.around(async () => {
    for (const id of ids) {
      const query = new URLSearchParams({ group, id, resolution });
      const answer = await brokers.ask("POST", `${PATH}?${query}`);
      output.add(answer, `${id}: ${RESOLUTIONS[resolution]}\n`);
    }
  });
}
