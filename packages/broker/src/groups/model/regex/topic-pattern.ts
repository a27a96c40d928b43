import { createRequire } from "node:module";
import {
  MAX_COMPILED_REGEXES,
  MAX_REGEX_LENGTH,
  MAX_REGEX_PROGRAM,
  MAX_REGEX_STATE_BYTES,
} from "../../limits.ts";
import { roughSize } from "./rough-size.ts";

/** A regular expression is refused; the message tells the client why. */
export class RegexError extends Error {
  override readonly name = "RegexError";
}

const require = createRequire(import.meta.url);

/**
 * RE2, with the syntax of Kafka's matcher (RE2/J). It is loaded by load-later.ts or by the first
 * pattern, so that a start need not wait for it. Not with import(), because a turn can't await.
 */
export const loadRe2 = (): typeof import("re2js") => require("re2js");

/**
 * A regular expression that matches whole topic names, in time linear in the name's length: no
 * pattern of a client can block the broker.
 */
export class TopicPattern {
  readonly #set: import("re2js").RE2Set;

  /** Throws RegexError. */
  constructor(pattern: string) {
    if (pattern.length > MAX_REGEX_LENGTH) {
      throw new RegexError(`it is longer than ${MAX_REGEX_LENGTH} characters`);
    }
    // A pattern that is far too large is not compiled at all: to compile it could take seconds.
    if (roughSize(pattern) > 2 * MAX_REGEX_PROGRAM) throw new RegexError("it is too large");
    this.#set = compile(pattern);
    if (this.#set.prog.numInst() > MAX_REGEX_PROGRAM) throw new RegexError("it is too large");
  }

  matches(name: string): boolean {
    return this.#set.match(name).length > 0;
  }
}

/** A set of one expression, because re2js can limit the memory of a set only. */
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

/** The compiled pattern, from the cache if it is there. Throws RegexError. */
export function topicPattern(pattern: string): TopicPattern {
  let known = compiled.get(pattern);
  if (known !== undefined) return known;
  known = new TopicPattern(pattern);
  if (compiled.size >= MAX_COMPILED_REGEXES) compiled = new Map();
  compiled.set(pattern, known);
  return known;
}
