import { MAX_REGEX_DEPTH, MAX_REGEX_LENGTH, MAX_REGEX_REPEAT } from "../../limits.ts";
import { ASCII, CharSet, escapedClass, posixClass } from "./char-set.ts";

/** Why a regular expression is refused, in words for its author. */
export class RegexError extends Error {
  override readonly name = "RegexError";
}

export type Node =
  | { readonly kind: "chars"; readonly set: CharSet }
  | { readonly kind: "begin" | "end" | "empty" }
  | { readonly kind: "sequence" | "either"; readonly of: readonly Node[] }
  | {
      readonly kind: "repeat";
      readonly of: Node;
      readonly min: number;
      /** Infinity when there is no bound. */
      readonly max: number;
    };

const EMPTY: Node = { kind: "empty" };
const SINGLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * Reads the part of RE2's syntax that topic names give a meaning to. Throws RegexError for the
 * rest: look-around, back references, word boundaries, Unicode classes. Names of topics are ASCII,
 * so other characters may stand in a pattern and match nothing.
 */
export function parseRegex(pattern: string): Node {
  if (pattern.length > MAX_REGEX_LENGTH) {
    throw new RegexError(`it is longer than ${MAX_REGEX_LENGTH} characters`);
  }
  return new Parser(pattern).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #ignoreCase = false;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Node {
    const node = this.#either();
    if (this.#at < this.#text.length) throw new RegexError("a ) has no (");
    return node;
  }

  #peek(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #next(): string {
    const char = this.#text[this.#at++];
    if (char === undefined) throw new RegexError("it ends too early");
    return char;
  }

  /** Flags set in a group end with it, and hold across the | of it. */
  #either(): Node {
    const ignoreCase = this.#ignoreCase;
    const of = [this.#sequence()];
    while (this.#take("|")) of.push(this.#sequence());
    this.#ignoreCase = ignoreCase;
    return of.length === 1 ? of[0]! : { kind: "either", of };
  }

  #sequence(): Node {
    const of: Node[] = [];
    while (this.#at < this.#text.length && !this.#peek("|") && !this.#peek(")")) {
      if (this.#take("\\Q")) of.push(...this.#quoted());
      else of.push(this.#repeated(this.#atom()));
    }
    return of.length === 1 ? of[0]! : { kind: "sequence", of };
  }

  /** `\Q…\E`, which Java's Pattern.quote makes. */
  #quoted(): Node[] {
    const end = this.#text.indexOf("\\E", this.#at);
    const text = this.#text.slice(this.#at, end === -1 ? undefined : end);
    this.#at = end === -1 ? this.#text.length : end + 2;
    return [...text].map((char) => this.#literal(char));
  }

  #repeated(of: Node): Node {
    const bounds = this.#bounds();
    if (bounds === null) return of;
    // Whether a repetition is greedy makes no difference to whether it matches.
    this.#take("?");
    if (this.#bounds() !== null) throw new RegexError("a repetition is repeated");
    return { kind: "repeat", of, ...bounds };
  }

  #bounds(): { min: number; max: number } | null {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    const match = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(this.#text.slice(this.#at, this.#at + 24));
    // RE2 takes a { that opens no bounds for itself.
    if (match === null) return null;
    this.#at += match[0].length;
    const min = Number(match[1]);
    const open = match[2] !== undefined && match[3] === "";
    const max = match[2] === undefined ? min : open ? Number.POSITIVE_INFINITY : Number(match[3]);
    const largest = open ? min : max;
    if (min > max || largest > MAX_REGEX_REPEAT) {
      throw new RegexError(`${match[0]} is no repetition up to ${MAX_REGEX_REPEAT}`);
    }
    return { min, max };
  }

  #atom(): Node {
    const char = this.#next();
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "chars", set: this.#class() };
      case ".":
        return { kind: "chars", set: ASCII };
      case "^":
        return { kind: "begin" };
      case "$":
        return { kind: "end" };
      case "*":
      case "+":
      case "?":
        throw new RegexError(`there is nothing for ${char} to repeat`);
      case "\\":
        return this.#escape();
      default:
        return this.#literal(char);
    }
  }

  #group(): Node {
    if (++this.#depth > MAX_REGEX_DEPTH) throw new RegexError("its groups are nested too deeply");
    const ignoreCase = this.#ignoreCase;
    if (this.#take("?") && !this.#name()) {
      const flags = /^([is]*)(-[is]+)?([:)])/.exec(this.#text.slice(this.#at, this.#at + 16));
      if (flags === null) throw new RegexError("it has a group of a kind that is not supported");
      this.#at += flags[0].length;
      if (flags[1]!.includes("i")) this.#ignoreCase = true;
      if (flags[2]?.includes("i")) this.#ignoreCase = false;
      // Without a body the flags hold until the group around them ends.
      if (flags[3] === ")") {
        this.#depth--;
        return EMPTY;
      }
    }
    const node = this.#either();
    if (!this.#take(")")) throw new RegexError("a ( has no )");
    this.#ignoreCase = ignoreCase;
    this.#depth--;
    return node;
  }

  #name(): boolean {
    const name = /^P?<[A-Za-z0-9_]+>/.exec(this.#text.slice(this.#at, this.#at + 256));
    if (name === null) return false;
    this.#at += name[0].length;
    return true;
  }

  #escape(): Node {
    const char = this.#next();
    if (char === "A") return { kind: "begin" };
    if (char === "z") return { kind: "end" };
    const set = escapedClass(char);
    return set === null ? this.#literal(this.#escaped(char)) : { kind: "chars", set };
  }

  /** The character that `\` and `char` stand for. */
  #escaped(char: string): string {
    if (char === "x") return this.#hex();
    const single = SINGLE_ESCAPES[char];
    if (single !== undefined) return single;
    if (/[A-Za-z0-9]/.test(char)) throw new RegexError(`\\${char} is not supported`);
    return char;
  }

  #hex(): string {
    const match = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(
      this.#text.slice(this.#at, this.#at + 8),
    );
    const code = Number.parseInt(match?.[1] ?? match?.[2] ?? "", 16);
    if (match === null || code > 0x10ffff) throw new RegexError("\\x is followed by no character");
    this.#at += match[0].length;
    return String.fromCodePoint(code);
  }

  #literal(char: string): Node {
    return { kind: "chars", set: this.#folded(new CharSet().add(char)) };
  }

  #folded(set: CharSet): CharSet {
    return this.#ignoreCase ? set.withBothCases() : set;
  }

  #class(): CharSet {
    const negated = this.#take("^");
    const set = new CharSet();
    // A ] that comes first is one of the class.
    for (let first = true; first || !this.#take("]"); first = false) this.#classItem(set);
    const folded = this.#folded(set);
    return negated ? folded.negated() : folded;
  }

  #classItem(set: CharSet): void {
    if (this.#take("[:")) {
      const end = this.#text.indexOf(":]", this.#at);
      const named = end === -1 ? null : posixClass(this.#text.slice(this.#at, end));
      if (named === null) throw new RegexError("it has a [:class:] that is not known");
      this.#at = end + 2;
      set.addAll(named);
      return;
    }
    const low = this.#classChar();
    if (low instanceof CharSet) {
      set.addAll(low);
      return;
    }
    if (!this.#peek("-") || this.#peek("-]")) {
      set.add(low);
      return;
    }
    this.#at++;
    const high = this.#classChar();
    if (high instanceof CharSet || high < low) throw new RegexError("a range is no range");
    set.addRange(low, high);
  }

  #classChar(): string | CharSet {
    const char = this.#next();
    if (char !== "\\") return char;
    const escaped = this.#next();
    return escapedClass(escaped) ?? this.#escaped(escaped);
  }
}
