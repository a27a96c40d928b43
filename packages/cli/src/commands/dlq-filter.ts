import type { DeadLetterFilter } from "@tarpan/client";
import type { Arguments } from "../args/arguments.ts";
import type { Option } from "../args/options.ts";
import { parseTime } from "../args/values.ts";
import { UsageError } from "../terminal/failures.ts";

const MAX_PARTITION = 2_147_483_647;

export const FILTER_OPTIONS: readonly Option[] = [
  { name: "from", argument: "NAME", help: "only letters that came from this topic" },
  { name: "group", short: "g", argument: "NAME", help: "only those of this group" },
  {
    name: "reason",
    argument: "NAME",
    help: "only those with this reason: retries-exhausted, final-error or process-ended",
  },
  { name: "error", argument: "TEXT", help: "only those whose error contains this text" },
  { name: "key", short: "k", argument: "TEXT", help: "only those with this key" },
  { name: "since", argument: "TIME", help: "only those that failed at this time or later" },
  { name: "until", argument: "TIME", help: "only those that failed before this time" },
  { name: "partition", short: "p", argument: "N", help: "only those in this partition" },
  { name: "offset", argument: "N", help: "with --partition: only the letter at this offset" },
];

export function filterFrom(args: Arguments): DeadLetterFilter {
  const time = (name: string) => {
    const text = args.text(name);
    return text === undefined ? undefined : parseTime(text, `--${name}`);
  };
  const filter = {
    originTopic: args.text("from"),
    group: args.text("group"),
    reason: args.text("reason"),
    message: args.text("error"),
    key: args.text("key"),
    fromMs: time("since"),
    untilMs: time("until"),
    partition: args.integer("partition", 0, MAX_PARTITION),
    offset: args.integer("offset"),
  };
  if (filter.offset !== undefined && filter.partition === undefined)
    throw new UsageError("--offset needs --partition");
  return filter;
}

export function isEmpty(filter: DeadLetterFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}
