import type { Readable, Writable } from "node:stream";
import type { Option } from "./options.ts";
import type { Arguments } from "./parse.ts";

/** What a command has of the world. `process` is one. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
  off(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the command's name, one form per line. */
  readonly usage: readonly string[];
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  run(args: Arguments, io: Io): Promise<void>;
}
