import { describe, expect, test } from "vitest";
import type { Option } from "../src/args/options.ts";
import { parseArguments } from "../src/args/parser.ts";
import { UsageError } from "../src/terminal/failures.ts";

const OPTIONS: readonly Option[] = [
  { name: "node-id", argument: "NAME", help: "" },
  { name: "topic", short: "t", argument: "NAME", help: "" },
  { name: "bootstrap", short: "b", argument: "HOST", help: "" },
  { name: "broker", argument: "HOST", aliasOf: "bootstrap", help: "" },
  { name: "header", short: "H", argument: "NAME=VALUE", repeat: true, help: "" },
  { name: "exit", short: "e", help: "" },
  { name: "enable-follower-read", help: "" },
];

const parse = (...argv: string[]) => parseArguments(argv, OPTIONS);

describe("one option, written in each accepted way", () => {
  test.each([
    ["--node-id", "broker1"],
    ["--node-id=broker1"],
    ["-node-id=broker1"],
    ["-node-id", "broker1"],
  ])("%s %s", (...argv) => expect(parse(...argv).text("node-id")).toBe("broker1"));

  test.each([["-t", "x"], ["-tx"], ["--topic=x"], ["-topic", "x"], ["-topic=x"]])(
    "%s %s",
    (...argv) => expect(parse(...argv).text("topic")).toBe("x"),
  );

  test.each([["-e"], ["--exit"], ["-exit"], ["--exit=true"], ["-exit=true"]])("%s", (word) =>
    expect(parse(word).has("exit")).toBe(true),
  );
});

test("a long name wins over a short option with an attached value", () => {
  const args = parse("-topic=x");
  expect(args.text("topic")).toBe("x");
});

test("values may be empty, contain = and begin with a dash", () => {
  expect(parse("--topic=").text("topic")).toBe("");
  expect(parse("--topic=a=b").text("topic")).toBe("a=b");
  expect(parse("--topic", "-5").text("topic")).toBe("-5");
  expect(parse("-topic=line one\nline two").text("topic")).toBe("line one\nline two");
});

test("repeated options, aliases, switches set to false, bare words", () => {
  const args = parse("create", "-H", "a=1", "--header", "b=2", "-broker=h:1", "--exit=false", "t");
  expect(args.texts("header")).toEqual(["a=1", "b=2"]);
  expect(args.text("bootstrap")).toBe("h:1");
  expect(args.has("exit")).toBe(false);
  expect(args.positional).toEqual(["create", "t"]);
});

test("words after -- are not options", () => {
  const args = parse("-e", "--", "-t", "--x");
  expect(args.positional).toEqual(["-t", "--x"]);
});

test.each([
  [["--topik", "x"], "unknown option --topik; did you mean --topic?"],
  [["-nod-id=1"], "unknown option -nod-id; did you mean --node-id?"],
  [["--zzz"], "unknown option --zzz"],
  [["--topic"], "--topic needs a value: --topic NAME"],
  [["--topic", "--exit"], "--topic needs a value: --topic NAME"],
  [["--exit=1"], "--exit takes no value"],
  [["-ex"], "unknown option -ex"],
])("%j is refused", (argv, message) => {
  const act = () => parse(...(argv as string[]));
  expect(act).toThrow(UsageError);
  expect(act).toThrow(message as string);
});

test("integers and choices are checked", () => {
  expect(parse("--topic=12").integer("topic")).toBe(12);
  expect(parse().integer("topic")).toBeUndefined();
  expect(() => parse("--topic=1.5").integer("topic")).toThrow(/whole number, 0 or more/);
  expect(() => parse("--topic=-1").integer("topic")).toThrow(/0 or more/);
  expect(() => parse("--topic=9").integer("topic", 0, 5)).toThrow(/0 to 5/);
  expect(() => parse("--topic=c").oneOf("topic", ["a", "b"])).toThrow("must be a | b");
  expect(() => parse("--topic=comited").oneOf("topic", ["committed", "uncommitted"])).toThrow(
    'must be committed | uncommitted, not "comited"; did you mean committed?',
  );
  expect(() => parse().required("topic")).toThrow("--topic is missing");
});
