import type { DelayedMessage } from "@tarpan/broker/admin";
import type { Arguments } from "../args/arguments.ts";
import type { Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { outputFrom } from "../args/output.ts";
import { HttpBrokers } from "../cluster/ask.ts";
import type { Io } from "../terminal/io.ts";

const MAX_LISTED = 10_000;

const actions: Actions = {
  list: { summary: "list messages that wait, the next one first", run: list },
  cancel: {
    summary: "cancel messages by their ids",
    run: (args, io) => changeAll(args, io, "DELETE", "cancelled"),
  },
  deliver: {
    summary: "deliver messages now, before their time",
    run: (args, io) => changeAll(args, io, "POST", "due now"),
  },
};

export const delayed: Command = {
  name: "delayed",
  summary: "List delayed messages, cancel them, deliver them now.",
  usage: ["list    [--topic NAME] [--limit N]", "cancel  ID…", "deliver ID…"],
  options: [
    ...BOOTSTRAP_OPTIONS,
    { name: "id", argument: "ID", help: "a message's id, the same as a bare ID; list: only this" },
    { name: "topic", short: "t", argument: "NAME", help: "list: only messages for this topic" },
    { name: "limit", argument: "N", help: `list: at most so many, up to ${MAX_LISTED} (100)` },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan delayed list --topic reminders",
    "tarpan delayed cancel order-4711",
    "tarpan delayed deliver order-4711",
  ],
  run: actions,
};

async function list(args: Arguments, io: Io): Promise<void> {
  const output = outputFrom(args, io);
  const limit = args.integer("limit", 1, MAX_LISTED);
  const query = new URLSearchParams();
  const given = { id: args.text("id"), topic: args.text("topic"), limit };
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) query.set(name, String(value));
  }
  args.end();
  const answer = await (await HttpBrokers.from(args, io)).ask("GET", `/api/v1/delayed?${query}`);
  const { messages } = answer as { readonly messages: readonly DelayedMessage[] };
  const rows = messages.map(({ id, topic, partition, deliverAt, sizeBytes }) => {
    const place = partition === null ? topic : `${topic}-${partition}`;
    return [id, place, new Date(deliverAt).toISOString(), sizeBytes];
  });
  await output.around(async () =>
    output.table(messages, ["id", "to", "deliver at", "bytes"], rows, "no such message waits"),
  );
}

async function changeAll(
  args: Arguments,
  io: Io,
  method: "DELETE" | "POST",
  done: string,
): Promise<void> {
  const ids = args.allNamed("id");
  const output = outputFrom(args, io);
  args.end();
  const brokers = await HttpBrokers.from(args, io);
  await output.around(async () => {
    for (const id of ids) {
      const path = `/api/v1/delayed?${new URLSearchParams({ id })}`;
      output.add(await brokers.ask(method, path), `${id}: ${done}\n`);
    }
  });
}
