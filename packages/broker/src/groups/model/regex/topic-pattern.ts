import { MAX_COMPILED_REGEXES, MAX_REGEX_PROGRAM, MAX_REGEX_STATE_SLOTS } from "../../limits.ts";
import { ASCII_SIZE, type CharSet } from "./char-set.ts";
import { type Node, parseRegex, RegexError } from "./parse.ts";

/** One instruction; `next` and `or` are the numbers of others. */
type Instruction =
  | { readonly op: "chars"; readonly set: CharSet; next: number }
  | { readonly op: "split"; next: number; or: number }
  | { readonly op: "begin" | "end"; next: number }
  | { readonly op: "match" };

interface State {
  /** Of the `chars`, `end` and `match` instructions it stands at. */
  readonly at: readonly number[];
  readonly byChar: (State | undefined)[];
  accepts: boolean | undefined;
}

/**
 * A regular expression that names of topics match as a whole, in time linear in the name: an
 * automaton (Thompson) whose states are made when they are first come to. No pattern can make it
 * hang, which is why clients may send one.
 */
export class TopicPattern {
  readonly #program: readonly Instruction[];
  readonly #start: number;
  #states = new Map<string, State>();
  #slots = 0;
  #initial: State | null = null;

  /** Throws RegexError. */
  constructor(pattern: string) {
    const program: Instruction[] = [{ op: "match" }];
    this.#start = emit(parseRegex(pattern), 0, program);
    this.#program = program;
  }

  matches(name: string): boolean {
    this.#initial ??= this.#close([this.#start], "begin");
    let state = this.#initial;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      state = state.byChar[code] ?? this.#step(state, code);
      if (state.at.length === 0) return false;
    }
    state.accepts ??= this.#accepts(state);
    return state.accepts;
  }

  #step(state: State, code: number): State {
    const reached: number[] = [];
    for (const at of state.at) {
      const instruction = this.#program[at]!;
      if (instruction.op === "chars" && instruction.set.has(code)) reached.push(instruction.next);
    }
    const next = this.#close(reached, null);
    state.byChar[code] = next;
    return next;
  }

  #accepts(state: State): boolean {
    return this.#follow(state.at, "end").some((at) => this.#program[at]!.op === "match");
  }

  #close(from: readonly number[], passing: "begin" | null): State {
    const at = this.#follow(from, passing);
    const key = at.join();
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    this.#slots += at.length + ASCII_SIZE;
    if (this.#slots > MAX_REGEX_STATE_SLOTS) {
      // The states this match still needs stay valid; they are only not found again.
      this.#states = new Map();
      this.#slots = at.length + ASCII_SIZE;
      this.#initial = null;
    }
    const state: State = { at, byChar: [], accepts: undefined };
    this.#states.set(key, state);
    return state;
  }

  /** Where one can be without reading a character; only the assertion `passing` holds here. */
  #follow(from: readonly number[], passing: "begin" | "end" | null): number[] {
    const seen = new Set<number>();
    const found: number[] = [];
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const instruction = this.#program[at]!;
      if (instruction.op === "split") open.push(instruction.next, instruction.or);
      else if (instruction.op === passing) open.push(instruction.next);
      else if (instruction.op !== "begin") found.push(at);
    }
    return found.sort((a, b) => a - b);
  }
}

/** Appends what matches `node` and then goes on at `next`; returns where it begins. */
function emit(node: Node, next: number, program: Instruction[]): number {
  switch (node.kind) {
    case "empty":
      return next;
    case "chars":
      return push({ op: "chars", set: node.set, next }, program);
    case "begin":
    case "end":
      return push({ op: node.kind, next }, program);
    case "sequence":
      return node.of.reduceRight((after, part) => emit(part, after, program), next);
    case "either":
      return node.of
        .map((part) => emit(part, next, program))
        .reduceRight((or, begin) => push({ op: "split", next: begin, or }, program));
    case "repeat":
      return emitRepeat(node, next, program);
  }
}

function emitRepeat(
  { of, min, max }: Extract<Node, { kind: "repeat" }>,
  next: number,
  program: Instruction[],
): number {
  let begin = next;
  if (max === Number.POSITIVE_INFINITY) {
    const split = { op: "split", next: 0, or: next } as const satisfies Instruction;
    begin = push(split, program);
    (program[begin] as { next: number }).next = emit(of, begin, program);
  } else {
    for (let i = min; i < max; i++) {
      begin = push({ op: "split", next: emit(of, begin, program), or: next }, program);
    }
  }
  for (let i = 0; i < min; i++) {
    const before = program.length;
    begin = emit(of, begin, program);
    // Nothing is nothing a thousand times over; nested, it would be repeated for hours.
    if (program.length === before) break;
  }
  return begin;
}

function push(instruction: Instruction, program: Instruction[]): number {
  if (program.length >= MAX_REGEX_PROGRAM) throw new RegexError("it is too large");
  return program.push(instruction) - 1;
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
