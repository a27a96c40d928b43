import { createRequire } from "node:module";
import {
  MAX_COMPILED_REGEXES,
  MAX_REGEX_LENGTH,
  MAX_REGEX_PROGRAM,
  MAX_REGEX_STATE_BYTES,
} from "../../limits.ts";
import { roughSize } from "./rough-size.ts";

/** Why a regular expression is refused, in words for its author. */
export class RegexError extends Error {
  override readonly name = "RegexError";
}

const require = createRequire(import.meta.url);

/**
 * RE2, with the syntax of Kafka's own matcher (RE2/J). No start waits for it: the first pattern
 * loads it, or load-later.ts. It is no import() because a turn of a group can't wait for one.
 */
export const loadRe2 = (): typeof import("re2js") => require("re2js");

/**
 * A regular expression that names of topics match as a whole, in time linear in the name. No
 * pattern can make it hang, which is why clients may send one.
 */
export class TopicPattern {
  readonly #set: import("re2js").RE2Set;

  /** Throws RegexError. */
  constructor(pattern: string) {
    if (pattern.length > MAX_REGEX_LENGTH) {
      throw new RegexError(`it is longer than ${MAX_REGEX_LENGTH} characters`);
    }
    // What is far too large is not even compiled: that alone could take seconds.
    if (roughSize(pattern) > 2 * MAX_REGEX_PROGRAM) throw new RegexError("it is too large");
    this.#set = compile(pattern);
    if (this.#set.prog.numInst() > MAX_REGEX_PROGRAM) throw new RegexError("it is too large");
  }

  matches(name: string): boolean {
    return this.#set.match(name).length > 0;
  }
}

/** A set of one: a set's memory can be limited, that of a lone expression can't. */
function compile(pattern: string): import("re2js").RE2Set {
  const { RE2JSException, RE2JSSyntaxException, RE2Set } = loadRe2();
  const set = new RE2Set(RE2Set.ANCHOR_BOTH, 0, MAX_REGEX_STATE_BYTES);
  try {
    set.add(pattern);
    set.compile();
    return set;
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw new RegexError(error.getDescription());
    if (error instanceof RE2JSException) throw new RegexError(error.message);
    throw error;
  }
}

let compiled = new Map<string, TopicPattern>();

/** The pattern compiled, from memory when it is at hand. Throws RegexError. */
export function topicPattern(pattern: string): TopicPattern {
  let known = compiled.get(pattern);
  if (known !== undefined) return known;
  known = new TopicPattern(pattern);
  if (compiled.size >= MAX_COMPILED_REGEXES) compiled = new Map();
  compiled.set(pattern, known);
  return known;
}
