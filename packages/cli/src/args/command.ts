import type { Io } from "../terminal/io.ts";
import type { Option } from "./options.ts";
import type { Arguments } from "./parse.ts";

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the command's name, one form per line. */
  readonly usage: readonly string[];
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  run(args: Arguments, io: Io): Promise<void>;
}
