import { inspect } from "node:util";
import { nearest } from "@tarpan/protocol/internal/nearest";
import { HELP_OPTION } from "../args/options.ts";
import { canonicalWords } from "../args/words.ts";
import { describeFailure, isBug, isFinal, UsageError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { COMMANDS } from "./commands.ts";
import { VERSION } from "./version.ts";

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** EX_CONFIG of sysexits.h: starting it again would fail in the same way. */
const EXIT_FINAL = 78;

/** Runs one command line; resolves to the exit code. Each failure is one line on stderr. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = asOptions(argv);
  try {
    if (name === "--version") io.stdout.write(`tarpan ${VERSION}\n`);
    else await runCommand(name!, rest, io);
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

/**
 * Says why a broker that runs ends at once, as when it can't read the cluster's metadata any more.
 * Returns the exit code. Whatever is not meant for an operator is told with its stack.
 */
export function tellCrash(error: unknown, { stderr }: Pick<Io, "stderr">): number {
  const code = String((error as { code?: unknown } | null | undefined)?.code);
  const text = code.startsWith("TARPAN_") ? `tarpan: ${describeFailure(error)}` : inspect(error);
  stderr.write(`${text}\n`);
  return isFinal(error) ? EXIT_FINAL : EXIT_FAILED;
}

/** `help topic` is `topic --help`; `help`, `-h` and nothing at all are `--help`. */
function asOptions(argv: readonly string[]): readonly string[] {
  const [name = "help", about] = argv;
  if (["help", "--help", "-h", "-help"].includes(name))
    return about === undefined ? ["--help"] : [about, "--help"];
  if (["version", "--version", "-V", "-version"].includes(name)) return ["--version"];
  return argv;
}

async function runCommand(name: string, argv: readonly string[], io: Io): Promise<void> {
  // Commander takes some milliseconds to load; --version does not need it.
  const { createProgram, define, wholeProgram } = await import("./program.ts");
  const program = createProgram(io);
  if (name === "--help") return program.outputHelp();
  const entry = COMMANDS.find((one) => one.name === name);
  if (entry === undefined) throw unknownCommand(name);
  const command = await entry.load(wholeProgram);
  const words = canonicalWords(argv, [...command.options, HELP_OPTION]);
  define(program.commands.find((one) => one.name() === name)!, command, io);
  await program.parseAsync([name, ...words], { from: "user" });
}

function unknownCommand(name: string): UsageError {
  const near = nearest(
    name,
    COMMANDS.map((command) => command.name),
  );
  const hint = near === null ? "" : `; did you mean ${near}?`;
  return new UsageError(`unknown command ${JSON.stringify(name)}${hint}`);
}
