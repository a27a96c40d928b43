import type { Client, DeadLetterStatistics } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Action, Actions, Command } from "../args/command.ts";
import { BOOTSTRAP_OPTIONS, JSON_OPTIONS } from "../args/options.ts";
import { outputFrom } from "../args/output.ts";
import { letterJson, letterText } from "../records/letter-text.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { counted } from "../terminal/progress.ts";
import { withClient } from "./connect.ts";
import { FILTER_OPTIONS, filterFrom, isEmpty } from "./dlq-filter.ts";
import { purgeFrom, purgeLetters } from "./dlq-purge.ts";
import { redriveLetters } from "./dlq-redrive.ts";
import { deadLetterTopics, openLetters } from "./dlq-topics.ts";

const actions: Actions = {
  list: action("list topics of dead letters, with counts", (args) => {
    const topics = topicsFrom(args);
    return (client, output) => list(client, output, topics);
  }),
  show: action("show letters: where they came from, why they failed", (args) => {
    const [topic, filter, limit] = [
      args.named("topic"),
      filterFrom(args),
      args.integer("limit", 1),
    ];
    return async (client, output) => {
      const letters = await openLetters(client, topic);
      const { partition, offset } = filter;
      const isOne = partition !== undefined && offset !== undefined;
      const found = isOne
        ? [await letters.show(partition, offset)]
        : await letters.list(filter, limit);
      for (const each of found) output.add(letterJson(each), letterText(each, isOne));
      if (found.length === 0) output.note(`${topic} has no such dead letter`);
    };
  }),
  redrive: action("send letters to where they came from, or elsewhere", (args) => {
    const topic = args.named("topic");
    const filter = filterFrom(args);
    if (isEmpty(filter) !== args.has("all"))
      throw new UsageError("redrive needs either --all or options that choose letters");
    const [to, perSecond] = [args.text("to"), args.integer("per-second", 1)];
    return async (client, output, io) => {
      const letters = await openLetters(client, topic);
      await redriveLetters(letters, { filter, to, perSecond }, output, io);
    };
  }),
  purge: action("delete letters", (args) => {
    const purge = purgeFrom(args);
    return async (client, output, io) => {
      await purgeLetters(client, await openLetters(client, purge.topic), purge, output, io);
    };
  }),
  stats: action("count letters by topic, reason and group", (args) => {
    const topics = topicsFrom(args);
    return async (client, output) => {
      for (const topic of topics ?? (await deadLetterTopics(client))) {
        const statistics = await (await openLetters(client, topic)).statistics();
        output.add({ topic, ...statistics }, statisticsText(topic, statistics));
      }
    };
  }),
};

export const dlq: Command = {
  name: "dlq",
  summary: "List dead letters, show, redrive and purge them.",
  usage: [
    "list    [TOPIC…]",
    "show    TOPIC [--partition N --offset N | filters] [--limit N]",
    "redrive TOPIC (--all | filters) [--to NAME] [--per-second N]",
    "purge   TOPIC [--partition N --before-offset N] [--yes]",
    "stats   [TOPIC…]",
  ],
  options: [
    ...BOOTSTRAP_OPTIONS,
    {
      name: "topic",
      short: "t",
      argument: "NAME",
      help: "a topic of dead letters, the same as a bare TOPIC",
    },
    ...FILTER_OPTIONS.map((option) => ({ ...option, help: `show, redrive: ${option.help}` })),
    { name: "limit", argument: "N", help: "show: at most so many (100)" },
    { name: "all", help: "redrive: all letters that are not redriven yet" },
    { name: "to", argument: "NAME", help: "redrive: to this topic" },
    { name: "per-second", argument: "N", help: "redrive: at most so many letters a second" },
    {
      name: "before-offset",
      argument: "N",
      help: "purge, with --partition: only letters before this offset",
    },
    { name: "yes", short: "y", help: "purge: without being asked" },
    ...JSON_OPTIONS,
  ],
  examples: [
    "tarpan dlq list",
    "tarpan dlq show orders.dlq --reason final-error --since 2026-11-20T10:00:00Z",
    "tarpan dlq show orders.dlq --partition 0 --offset 17",
    "tarpan dlq redrive orders.dlq --all --per-second 100",
    "tarpan dlq purge orders.dlq --partition 0 --before-offset 18",
  ],
  run: actions,
};

type Act = (client: Client, output: Output, io: Io) => Promise<void>;

function action(summary: string, prepare: (args: Arguments) => Act): Action {
  return {
    summary,
    async run(args, io) {
      const output = outputFrom(args, io);
      const act = prepare(args);
      args.end();
      await withClient(args, io, (client) => output.around(() => act(client, output, io)));
    },
  };
}

/** Null for all. */
function topicsFrom(args: Arguments): readonly string[] | null {
  const [given, words] = [args.text("topic"), args.words()];
  const topics = given === undefined ? words : [given, ...words];
  return topics.length === 0 ? null : topics;
}

async function list(client: Client, output: Output, topics: readonly string[] | null) {
  const found = [];
  for (const topic of topics ?? (await deadLetterTopics(client))) {
    const { letters, redriven } = await (await openLetters(client, topic)).statistics();
    found.push({ topic, letters, redriven });
  }
  const rows = found.map(({ topic, letters, redriven }) => [topic, letters, redriven]);
  const none =
    "no topic of dead letters (NAME.dlq or dlq.NAME); name others: tarpan dlq list TOPIC";
  output.table(found, ["topic", "letters", "redriven"], rows, none);
}

function statisticsText(topic: string, statistics: DeadLetterStatistics): string {
  const { letters, redriven, byTopic, byReason, byGroup } = statistics;
  const counts = Object.entries({ topic: byTopic, reason: byReason, group: byGroup });
  const lines = counts.map(([name, count]) => {
    const sorted = Object.entries(count).sort((a, b) => b[1] - a[1]);
    const texts = sorted.map(([value, times]) => `${value || "unknown"} ${times}`);
    return `  by ${name.padEnd(6)}  ${texts.join(", ") || "-"}\n`;
  });
  return `${topic}: ${counted(letters, "letter")}, ${redriven} redriven\n${lines.join("")}`;
}
