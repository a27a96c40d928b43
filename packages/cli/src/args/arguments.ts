import { nearest } from "@tarpan/protocol/internal/nearest";
import { UsageError } from "../terminal/failures.ts";

export type Value = string | true | readonly string[];

/** What every command takes when it connects. */
const CONNECTING = [
  ...["bootstrap", "timeout", "command-config", "profile"],
  ...["tls", "tls-ca", "tls-cert", "tls-key"],
  ...["sasl-username", "sasl-password-file", "sasl-mechanism"],
];

/**
 * The options by their full names, and the bare words in order. A command takes those that it
 * understands and then calls `end`, which refuses the rest: no argument is ignored.
 */
export class Arguments {
  readonly positional: readonly string[];
  readonly #values: ReadonlyMap<string, Value>;
  /** The number of bare words taken so far. */
  #words = 0;
  /** Options that the command has looked at, given or not. */
  readonly #asked = new Set<string>(CONNECTING);

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

  /** The remaining bare words. */
  words(): readonly string[] {
    const words = this.positional.slice(this.#words);
    this.#words = this.positional.length;
    return words;
  }

  /** The option's value and the remaining bare words, in this order; throws when there are none. */
  allNamed(name: string): readonly string[] {
    const words = this.words();
    const given = this.text(name);
    if (given === undefined && words.length === 0) this.required(name);
    return given === undefined ? words : [given, ...words];
  }

  /** Throws for arguments that were not taken; `hint` says what to write instead of a bare word. */
  end(hint = ""): void {
    const word = this.positional[this.#words];
    if (word !== undefined) {
      throw new UsageError(`unexpected argument ${JSON.stringify(word)}${hint}`);
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
    const near = nearest(text, names);
    const hint = near === null ? "" : `; did you mean ${near}?`;
    const wanted = names.join(" | ");
    throw new UsageError(`--${name} must be ${wanted}, not ${JSON.stringify(text)}${hint}`);
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
