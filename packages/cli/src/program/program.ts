// The command line as a tree of commander's commands.

import { nearest } from "@tarpan/protocol/internal/nearest";
import { Command as Parser } from "commander";
import type { Actions, Command, Run } from "../args/command.ts";
import { HELP_OPTION } from "../args/options.ts";
import { addOptions, argumentsOf } from "../args/parser.ts";
import { UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { COMMANDS } from "./commands.ts";
import { helpStyle, helpWidth, TRY_IT } from "./help.ts";
import { VERSION } from "./version.ts";

/** The root command, which knows every command's name and summary. */
export function createProgram(io: Io): Parser {
  const root = new Parser("tarpan")
    .description(`tarpan ${VERSION}: a message queue that speaks the Kafka protocol`)
    .usage("COMMAND [options]        tarpan COMMAND --help for each")
    .helpOption(false)
    .helpCommand(false)
    .exitOverride()
    .enablePositionalOptions()
    .configureHelp(helpStyle)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      getOutHelpWidth: () => helpWidth(io),
      getOutHasColors: () => false,
    })
    .addHelpText("after", TRY_IT);
  for (const { name, summary } of COMMANDS) root.command(name).summary(summary);
  return root;
}

/** Defines how the command parses its arguments, shows its help and runs. */
export function define(parser: Parser, command: Command, io: Io): void {
  const { name, summary, usage, options, examples, run } = command;
  parser
    .description(summary)
    .usage(usage.join(`\n       tarpan ${name} `))
    .allowExcessArguments()
    .addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
  addOptions(parser, [...options, HELP_OPTION]);
  const setAction = (at: Parser, act: Run) =>
    at.action(async () => {
      const args = argumentsOf(parser, at.args);
      if (args.has("help")) parser.outputHelp();
      else await act(args, io);
    });
  if (typeof run === "function") setAction(parser, run);
  else {
    setAction(parser, async (args) => refuseAction(args.word(), run));
    for (const [action, { summary, run: act }] of Object.entries(run))
      setAction(parser.command(action).summary(summary).allowExcessArguments(), act);
  }
}

/** The root command with every command defined. */
export async function wholeProgram(io: Io): Promise<Parser> {
  const root = createProgram(io);
  const commands = await Promise.all(COMMANDS.map((entry) => entry.load(wholeProgram)));
  for (const [at, command] of commands.entries()) define(root.commands[at]!, command, io);
  return root;
}

function refuseAction(name: string | undefined, actions: Actions): never {
  const names = Object.keys(actions);
  if (name === undefined) throw new UsageError(`needs one of ${names.join(", ")}`);
  const near = nearest(name, names);
  const hint = near === null ? `it is one of ${names.join(", ")}` : `did you mean ${near}?`;
  throw new UsageError(`there is no ${JSON.stringify(name)}; ${hint}`);
}
