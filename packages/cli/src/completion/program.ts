// What completion scripts need of the command line, read from commander's tree.
import type { Command as Parser } from "commander";
import type { Option } from "../args/options.ts";
import type { KnownOption } from "../args/parser.ts";

export interface CompletedProgram {
  readonly name: string;
  readonly commands: readonly CompletedCommand[];
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** The actions, one of which must follow the name; empty when there are none. */
  readonly actions: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly Option[];
  /** Whether words that are not options may be files. */
  readonly takesFiles: boolean;
}

export function completedProgram(root: Parser): CompletedProgram {
  const named = (parser: Parser) => ({ name: parser.name(), summary: parser.summary() });
  const commands = root.commands.map((parser) => ({
    ...named(parser),
    actions: parser.commands.map(named),
    options: parser.options.map((option) => (option as KnownOption).spec),
    takesFiles: parser.usage().includes("FILE…"),
  }));
  return { name: root.name(), commands };
}

export type ValueKind = "file" | "directory" | "text";

/** Null for a switch. */
export function valueKind({ argument }: Option): ValueKind | null {
  if (!argument) return null;
  if (argument === "FILE") return "file";
  return argument === "DIR" ? "directory" : "text";
}

/** In single quotes, for bash and zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
