import { UsageError } from "../terminal/failures.ts";
import { nearestName } from "./nearest.ts";
import type { Option } from "./options.ts";

type Value = string | true | readonly string[];

/**
 * What was given: options by their full names, and bare words in order. A command takes what it
 * understands, and then calls `end`: what nobody took is refused, never ignored.
 */
export class Arguments {
  readonly positional: readonly string[];
  readonly #values: ReadonlyMap<string, Value>;
  /** How many bare words have been taken. */
  #words = 0;
  /** Options somebody has asked for, given or not. */
  readonly #asked = new Set<string>(["bootstrap", "timeout"]);

  constructor(values: ReadonlyMap<string, Value>, positional: readonly string[]) {
    this.#values = values;
    this.positional = positional;
  }

  /** The next bare word. */
  word(): string | undefined {
    return this.positional[this.#words++];
  }

  /** The value of an option, or else the next bare word: `--topic orders`, `orders`. */
  named(name: string): string {
    return this.text(name) ?? this.word() ?? this.required(name);
  }

  /** All bare words that are left. */
  words(): readonly string[] {
    const words = this.positional.slice(this.#words);
    this.#words = this.positional.length;
    return words;
  }

  /** Of the option and all bare words that are left, in this order and at least one. */
  allNamed(name: string): readonly string[] {
    const words = this.words();
    const given = this.text(name);
    if (given === undefined && words.length === 0) this.required(name);
    return given === undefined ? words : [given, ...words];
  }

  /** Throws for what nobody has taken; `hint` says where a bare word would have belonged. */
  end(hint = ""): void {
    const word = this.positional[this.#words];
    if (word !== undefined) {
      throw new UsageError(`don't know what to do with ${JSON.stringify(word)}${hint}`);
    }
    const option = [...this.#values.keys()].find((name) => !this.#asked.has(name));
    if (option !== undefined) throw new UsageError(`--${option} has no effect here`);
  }

  text(name: string): string | undefined {
    const value = this.#value(name);
    return typeof value === "string" ? value : undefined;
  }

  /** Every value of an option that may be repeated. */
  texts(name: string): readonly string[] {
    const value = this.#value(name);
    return Array.isArray(value) ? value : [];
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === "") throw new UsageError(`--${name} is missing`);
    return value;
  }

  integer(name: string, from = 0, to = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= from && number <= to) return number;
    const range = to === Number.MAX_SAFE_INTEGER ? `${from} or more` : `${from} to ${to}`;
    throw new UsageError(`--${name} must be a whole number, ${range}, not ${JSON.stringify(text)}`);
  }

  oneOf<const T extends string>(name: string, names: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined || names.includes(text as T)) return text as T | undefined;
    throw new UsageError(`--${name} must be ${names.join(" | ")}, not ${JSON.stringify(text)}`);
  }

  entries(): Record<string, Value> {
    for (const name of this.#values.keys()) this.#asked.add(name);
    return Object.fromEntries(this.#values);
  }

  #value(name: string): Value | undefined {
    this.#asked.add(name);
    return this.#values.get(name);
  }
}

/**
 * Reads what follows a command. `--name value`, `--name=value`, `-n value` and `-nvalue` as usual,
 * and `-name=value` or `-name value` for any name the command knows: those win over `-n` with `ame`
 * behind.
 */
export function parseArguments(argv: readonly string[], options: readonly Option[]): Arguments {
  const byName = new Map(options.map((option) => [option.name, option]));
  const byShort = new Map(options.flatMap((o) => (o.short ? [[o.short, o] as const] : [])));
  const values = new Map<string, Value>();
  const positional: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") {
      positional.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      continue;
    }
    const { option, attached } = optionOf(word, byName, byShort);
    let value: string | true = attached ?? true;
    if (option.argument && attached === undefined) {
      const next = argv[++i];
      if (next === undefined || isOption(next, byName))
        throw new UsageError(`${word} needs a value: ${word} ${option.argument}`);
      value = next;
    }
    store(values, option, value, word);
  }
  return new Arguments(values, positional);
}

type Names = ReadonlyMap<string, Option>;

function optionOf(
  word: string,
  byName: Names,
  byShort: Names,
): { option: Option; attached: string | undefined } {
  const match = /^--?([^=]+)(?:=(.*))?$/s.exec(word);
  const name = match?.[1] ?? "";
  const long = byName.get(name);
  if (long !== undefined) return { option: long, attached: match![2] };
  const short = word.startsWith("--") ? undefined : byShort.get(word[1]!);
  if (short !== undefined && (word.length === 2 || short.argument))
    return { option: short, attached: word.length === 2 ? undefined : word.slice(2) };
  const near = nearestName(name, byName.keys());
  const hint = near === null ? "" : `; did you mean --${near}?`;
  throw new UsageError(`unknown option ${word.split("=")[0]}${hint}`);
}

function isOption(word: string, byName: Names): boolean {
  return word.startsWith("--") && byName.has(word.slice(2).split("=")[0]!);
}

function store(values: Map<string, Value>, option: Option, value: string | true, word: string) {
  const name = option.aliasOf ?? option.name;
  if (!option.argument) {
    if (value !== true && value !== "true" && value !== "false")
      throw new UsageError(`${word.split("=")[0]} takes no value`);
    if (value === "false") values.delete(name);
    else values.set(name, true);
  } else if (option.repeat) {
    const before = values.get(name);
    values.set(name, [...(Array.isArray(before) ? before : []), value as string]);
  } else if (values.has(name)) {
    throw new UsageError(`${word.split("=")[0]} is given twice`);
  } else values.set(name, value);
}
