import type { Command } from "../args/command.ts";
import { nearestName } from "../args/nearest.ts";
import { HELP_OPTION } from "../args/options.ts";
import { parseArguments } from "../args/parse.ts";
import { describeFailure, isBug, isFinal, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { VERSION } from "./version.ts";

/** Loaded when asked for: only `broker` needs the broker. */
const COMMANDS = [
  {
    name: "broker",
    summary: "run a broker",
    load: async () => (await import("../commands/broker.ts")).broker,
  },
  {
    name: "topic",
    summary: "create, list, describe, alter and delete topics",
    load: async () => (await import("../commands/topic.ts")).topic,
  },
  {
    name: "produce",
    summary: "send records, from the command line or standard input",
    load: async () => (await import("../commands/produce.ts")).produce,
  },
  {
    name: "consume",
    summary: "read records",
    load: async () => (await import("../commands/consume.ts")).consume,
  },
  {
    name: "group",
    summary: "list, describe, reset and delete consumer groups, and see their lag",
    load: async () => (await import("../commands/group.ts")).group,
  },
  {
    name: "cluster",
    summary: "run a whole cluster on this machine, see one, take a broker out",
    load: async () => (await import("../commands/cluster.ts")).cluster,
  },
  {
    name: "client",
    summary: "topics, produce and consume in one, with a client.json",
    load: async () => (await import("../commands/client.ts")).client,
  },
] as const;

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** As sysexits.h has EX_CONFIG: it ends the same way however often it is started again. */
const EXIT_FINAL = 78;

/** Runs one command line; resolves to the exit code. Failures are said on stderr, one line each. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  try {
    if (name === undefined || ["help", "--help", "-h", "-help"].includes(name)) {
      io.stdout.write(await helpFor(rest[0]));
      return EXIT_OK;
    }
    if (["version", "--version", "-V", "-version"].includes(name)) {
      io.stdout.write(`tarpan ${VERSION}\n`);
      return EXIT_OK;
    }
    const command = await load(name);
    const args = parseArguments(rest, [...command.options, HELP_OPTION]);
    if (args.has("help")) io.stdout.write(commandHelp(command));
    else await command.run(args, io);
    return EXIT_OK;
  } catch (error) {
    const usage = error instanceof UsageError;
    const help = usage
      ? `; see: tarpan ${COMMANDS.some((c) => c.name === name) ? `${name} ` : ""}--help`
      : "";
    io.stderr.write(`tarpan: ${describeFailure(error)}${help}\n`);
    if (isBug(error) || io.env.TARPAN_DEBUG) io.stderr.write(`${(error as Error)?.stack}\n`);
    if (isFinal(error)) return EXIT_FINAL;
    return usage ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function helpFor(name: string | undefined): Promise<string> {
  return name === undefined ? generalHelp(COMMANDS, VERSION) : commandHelp(await load(name));
}

async function load(name: string): Promise<Command> {
  const found = COMMANDS.find((command) => command.name === name);
  if (found !== undefined) return found.load();
  const near = nearestName(
    name,
    COMMANDS.map((command) => command.name),
  );
  throw new UsageError(
    `unknown command ${JSON.stringify(name)}${near === null ? "" : `; did you mean ${near}?`}`,
  );
}
