import { nearest } from "@tarpan/protocol/internal/nearest";
import { UsageError } from "../terminal/failures.ts";
import type { Option } from "./options.ts";

/**
 * The words after a command, rewritten for commander: options by their long names, then `--` and
 * all bare words. Accepts the usual `--name value`, `--name=value`, `-n value` and `-nvalue`, and
 * for every known name the `-name=value` and `-name value` of older tools, which win over `-n` with
 * the value `ame`. Errors are reported here, because they quote what the user typed.
 */
export function canonicalWords(argv: readonly string[], options: readonly Option[]): string[] {
  const known = new KnownOptions(options);
  const given = new GivenOptions();
  const bare: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") {
      bare.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      bare.push(word);
      continue;
    }
    const { option, attached } = known.find(word);
    if (!option.argument) given.switch(option, attached, word);
    else if (attached !== undefined) given.add(option, attached, word);
    else {
      const value = argv[++i];
      if (value === undefined || known.isLong(value))
        throw new UsageError(`${word} needs a value: ${word} ${option.argument}`);
      given.add(option, value, word);
    }
  }
  return [...given.words, "--", ...bare];
}

interface Found {
  readonly option: Option;
  /** The value, when the same word contains it. */
  readonly attached: string | undefined;
}

class KnownOptions {
  readonly #byName: ReadonlyMap<string, Option>;
  readonly #byShort: ReadonlyMap<string, Option>;

  constructor(options: readonly Option[]) {
    this.#byName = new Map(options.map((option) => [option.name, option]));
    this.#byShort = new Map(options.flatMap((o) => (o.short ? [[o.short, o] as const] : [])));
  }

  isLong(word: string): boolean {
    return word.startsWith("--") && this.#byName.has(word.slice(2).split("=")[0]!);
  }

  find(word: string): Found {
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(word);
    const name = match?.[1] ?? "";
    const long = this.#byName.get(name);
    if (long !== undefined) return { option: long, attached: match![2] };
    const short = word.startsWith("--") ? undefined : this.#byShort.get(word[1]!);
    if (short !== undefined && (word.length === 2 || short.argument))
      return { option: short, attached: word.length === 2 ? undefined : word.slice(2) };
    const near = nearest(name, this.#byName.keys());
    const hint = near === null ? "" : `; did you mean --${near}?`;
    throw new UsageError(`unknown option ${flagOf(word)}${hint}`);
  }
}

class GivenOptions {
  readonly #values = new Set<string>();
  #words: string[] = [];

  get words(): readonly string[] {
    return this.#words;
  }

  add(option: Option, value: string, word: string): void {
    const name = option.aliasOf ?? option.name;
    if (!option.repeat && this.#values.has(name))
      throw new UsageError(`${flagOf(word)} is given twice`);
    this.#values.add(name);
    this.#words.push(`--${name}=${value}`);
  }

  /** The last one wins: `--exit --exit=false` means no exit. */
  switch({ name }: Option, value = "true", word: string): void {
    if (value !== "true" && value !== "false")
      throw new UsageError(`${flagOf(word)} takes no value`);
    this.#words = this.#words.filter((other) => other !== `--${name}`);
    if (value === "true") this.#words.push(`--${name}`);
  }
}

const flagOf = (word: string) => word.split("=")[0];
