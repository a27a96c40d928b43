import type { Io } from "../terminal/io.ts";
import type { Arguments } from "./arguments.ts";
import type { Option } from "./options.ts";

/** Takes what it understands of the arguments, calls `end`, and does it. */
export type Run = (args: Arguments, io: Io) => Promise<void>;

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the command's name, one form per line. */
  readonly usage: readonly string[];
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  /** What it does: one thing, or the one of these that the first bare word names. */
  readonly run: Run | Actions;
}

export type Actions = Readonly<Record<string, Action>>;

export interface Action {
  readonly summary: string;
  readonly run: Run;
}
