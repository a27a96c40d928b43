import { checkConfig } from "@tarpan/broker/internal/command-line";
import type { Arguments } from "../args/arguments.ts";
import type { Command } from "../args/command.ts";
import { outputFrom } from "../args/output.ts";
import {
  brokerConfig,
  brokerOptions,
  OF_SHOW,
  ORIGIN,
  readConfigFile,
  STOP_WITH_STDIN,
} from "../config/broker-config.ts";
import { CommandError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { counted } from "../terminal/progress.ts";
import { columns } from "../terminal/table.ts";

export const config: Command = {
  name: "config",
  summary: "Show the configuration that a broker would have, check a file.",
  usage: ["show  [--origin] [--config FILE] [options of tarpan broker]", "check FILE"],
  options: [...OF_SHOW, ...brokerOptions.filter(({ name }) => name !== STOP_WITH_STDIN)],
  examples: [
    "tarpan config show --origin --config broker.yaml --bind-port 9093",
    "tarpan config check broker.yaml",
  ],
  run: {
    show: { summary: "print what is in force, as a file", run: show },
    check: { summary: "find what is wrong with a file", run: check },
  },
};

/** Prints YAML, so that it can be used as a file; the origins are comments in it. */
async function show(args: Arguments, io: Io): Promise<void> {
  const output = outputFrom(args, io);
  const { shown, warnings } = await brokerConfig(args, io);
  const withOrigin = args.has(ORIGIN);
  const rows = shown.map(({ name, value, origin }) => {
    const line = `${name}: ${yamlOf(value)}`;
    return withOrigin ? [line, `# ${origin}`] : [line];
  });
  output.only(shown, columns(rows));
  for (const warning of warnings) output.note(warning);
}

/** JSON is YAML, too; most texts need no quotes. */
function yamlOf(value: unknown): string {
  const isPlain = typeof value === "string" && /^[A-Za-z.][\w./-]*$/.test(value);
  return isPlain && !/^(true|false|null|yes|no|on|off)$/i.test(value)
    ? value
    : JSON.stringify(value);
}

async function check(args: Arguments, io: Io): Promise<void> {
  const path = args.word() ?? args.required("config");
  const output = outputFrom(args, io);
  args.end();
  const { problems, warnings } = await checkConfig(await readConfigFile(path));
  if (!output.isJson) for (const line of [...problems, ...warnings]) output.note(line);
  output.only({ path, problems, warnings }, problems.length > 0 ? "" : `${path}: good\n`);
  if (problems.length > 0) {
    throw new CommandError(
      `${path}: ${counted(problems.length, "problem")}: no broker starts with it`,
    );
  }
}
