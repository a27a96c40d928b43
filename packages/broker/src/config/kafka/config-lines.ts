// Definitions of many configs, one line each: name, type, default (- for none, "" for an empty
// text). Optional words follow: the valid values (>=1, 1..9, or a|b); whether it can be changed at
// run time (all: for all brokers or one, each: for one broker only); `hidden`, if Kafka describes
// it only when it is set.
import { atLeast, between, type ConfigDefinition, listOf, oneOf } from "./definition.ts";

export function definitionsIn(lines: string, ignored: string | null): ConfigDefinition[] {
  return lines
    .trim()
    .split("\n")
    .map((line) => definition(line.trim().split(" "), ignored));
}

const UPDATE = { all: "cluster-wide", each: "per-broker" } as const;

function definition(
  [name, type, value, ...rest]: string[],
  ignored: string | null,
): ConfigDefinition {
  const word = rest.find((part): part is keyof typeof UPDATE => part in UPDATE);
  const rule = rest.find((part) => part !== word && part !== "hidden");
  return {
    name: name!,
    type: type as ConfigDefinition["type"],
    fallback: value === "-" ? null : value === '""' ? "" : value!,
    check: rule === undefined ? null : checkOf(rule, type === "list"),
    doc: "",
    update: word === undefined ? "read-only" : UPDATE[word],
    synonyms: [],
    ignored,
    hidden: rest.includes("hidden"),
  };
}

function checkOf(rule: string, isList: boolean): ConfigDefinition["check"] {
  if (rule.startsWith(">=")) return atLeast(Number(rule.slice(2)));
  const [least, most] = rule.split("..");
  if (most !== undefined) return between(Number(least), Number(most));
  return (isList ? listOf : oneOf)(...rule.split("|"));
}
