import type { Io } from "../terminal/io.ts";
import type { Arguments } from "./arguments.ts";
import type { Option } from "./options.ts";

/** Takes the arguments that it understands, calls `end`, and does its work. */
export type Run = (args: Arguments, io: Io) => Promise<void>;

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** The words after the command's name, one form per line. */
  readonly usage: readonly string[];
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  /** Its function, or several actions, of which the first bare word names one. */
  readonly run: Run | Actions;
}

export type Actions = Readonly<Record<string, Action>>;

export interface Action {
  readonly summary: string;
  readonly run: Run;
}
