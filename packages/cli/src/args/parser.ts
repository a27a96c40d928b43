import { Command as Parser, Option as ParserOption } from "commander";
import { Arguments, type Value } from "./arguments.ts";
import type { Option } from "./options.ts";
import { canonicalWords } from "./words.ts";

/** Commander's option, with our own for help and completion. */
export class KnownOption extends ParserOption {
  readonly spec: Option;

  constructor(spec: Option) {
    const short = spec.short === undefined ? "" : `-${spec.short}, `;
    super(`${short}--${spec.name}${spec.argument ? " <value>" : ""}`, spec.help);
    this.spec = spec;
    if (spec.repeat) this.argParser((value, before: string[] = []) => [...before, value]);
  }
}

export function addOptions(parser: Parser, options: readonly Option[]): Parser {
  for (const option of options) parser.addOption(new KnownOption(option));
  return parser;
}

/** The options that `parser` has read, by their full names, with `words` as bare words. */
export function argumentsOf(parser: Parser, words: readonly string[]): Arguments {
  const values = new Map<string, Value>();
  for (const option of parser.options) {
    const value: Value | undefined = parser.getOptionValue(option.attributeName());
    if (value !== undefined) values.set(option.name(), value);
  }
  return new Arguments(values, words);
}

/** Reads options that are not part of a command, such as those after `--`. */
export function parseArguments(argv: readonly string[], options: readonly Option[]): Arguments {
  const parser = addOptions(new Parser().helpOption(false).allowExcessArguments(), options);
  parser.parse(canonicalWords(argv, options), { from: "user" });
  return argumentsOf(parser, parser.args);
}
