export const ASCII_SIZE = 128;

/** A set of ASCII characters. What lies beyond is left out: no topic is named with it. */
export class CharSet {
  readonly #has = new Uint8Array(ASCII_SIZE);

  has(code: number): boolean {
    return this.#has[code] === 1;
  }

  add(char: string): this {
    return this.addRange(char, char);
  }

  addRange(low: string, high: string): this {
    const last = Math.min(high.codePointAt(0)!, ASCII_SIZE - 1);
    for (let code = low.codePointAt(0)!; code <= last; code++) this.#has[code] = 1;
    return this;
  }

  addAll(other: CharSet): this {
    for (let code = 0; code < ASCII_SIZE; code++) if (other.has(code)) this.#has[code] = 1;
    return this;
  }

  negated(): CharSet {
    const others = new CharSet();
    for (let code = 0; code < ASCII_SIZE; code++) others.#has[code] = 1 - this.#has[code]!;
    return others;
  }

  withBothCases(): CharSet {
    const both = new CharSet().addAll(this);
    for (let upper = 0x41; upper <= 0x5a; upper++) {
      const lower = upper + 0x20;
      if (this.has(upper) || this.has(lower)) both.#has[upper] = both.#has[lower] = 1;
    }
    return both;
  }
}

const digits = () => new CharSet().addRange("0", "9");
const lowers = () => new CharSet().addRange("a", "z");
const uppers = () => new CharSet().addRange("A", "Z");
const letters = () => lowers().addAll(uppers());
const words = () => letters().addAll(digits()).add("_");
// RE2 leaves the vertical tab out of \s and has it in [:space:].
const spaces = () => new CharSet().addRange("\t", "\n").addRange("\f", "\r").add(" ");

export const ASCII = new CharSet().negated();

const escapes: Readonly<Record<string, CharSet>> = {
  d: digits(),
  D: digits().negated(),
  s: spaces(),
  S: spaces().negated(),
  w: words(),
  W: words().negated(),
};

const posix: Readonly<Record<string, CharSet>> = {
  alnum: letters().addAll(digits()),
  alpha: letters(),
  ascii: ASCII,
  blank: new CharSet().add(" ").add("\t"),
  cntrl: new CharSet().addRange("\0", "\x1f").add("\x7f"),
  digit: digits(),
  graph: new CharSet().addRange("!", "~"),
  lower: lowers(),
  print: new CharSet().addRange(" ", "~"),
  punct: letters().addAll(digits()).addRange("\0", " ").add("\x7f").negated(),
  space: spaces().add("\v"),
  upper: uppers(),
  word: words(),
  xdigit: digits().addRange("a", "f").addRange("A", "F"),
};

/** What `\d` and its like stand for; null when it is no class. */
export function escapedClass(char: string): CharSet | null {
  return Object.hasOwn(escapes, char) ? escapes[char]! : null;
}

/** What `[:alpha:]` and its like stand for, also negated as `[:^alpha:]`. */
export function posixClass(name: string): CharSet | null {
  const plain = name.startsWith("^") ? name.slice(1) : name;
  if (!Object.hasOwn(posix, plain)) return null;
  return plain === name ? posix[plain]! : posix[plain]!.negated();
}
