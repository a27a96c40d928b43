// The configuration of `tarpan broker` from flags, environment and file. The broker defines its
// flags.
import { readFile } from "node:fs/promises";
import {
  brokerFlags,
  CONFIG_VARIABLE,
  type LoadedConfig,
  loadConfig,
} from "@tarpan/broker/internal/command-line";
import type { Arguments } from "../args/arguments.ts";
import { JSON_OPTIONS, type Option } from "../args/options.ts";
import { parseArguments } from "../args/parser.ts";
import { CommandError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { osReason } from "../terminal/os-reason.ts";

export const STOP_WITH_STDIN = "stop-with-stdin";

/** Of `tarpan config show`, which has the broker's options, too. */
export const ORIGIN = "origin";
export const OF_SHOW: readonly Option[] = [
  { name: ORIGIN, help: "say by what each value is set" },
  ...JSON_OPTIONS,
];

export const brokerOptions: readonly Option[] = [
  {
    name: "config",
    argument: "FILE",
    help: "YAML or JSON file (or TARPAN_CONFIG); flags and TARPAN_… override it",
  },
  ...brokerFlags(),
  {
    name: "kafka",
    argument: "NAME=VALUE",
    repeat: true,
    help: "a Kafka broker config, such as num.partitions=3",
  },
  {
    name: STOP_WITH_STDIN,
    help: "stop when standard input ends, for a parent process that runs the broker",
  },
];

export async function brokerConfig(args: Arguments, io: Io): Promise<LoadedConfig> {
  const { config, ...flags } = args.entries();
  for (const name of [STOP_WITH_STDIN, ...OF_SHOW.map((option) => option.name)]) delete flags[name];
  args.end("; the broker takes options only");
  const sources = { flags, environment: io.env };
  const path = config ?? io.env[CONFIG_VARIABLE];
  // An empty variable counts as unset, like the variables of configuration keys.
  if (typeof path !== "string" || path === "") return loadConfig(sources);
  return loadConfig({ ...sources, file: await readConfigFile(path) });
}

export async function readConfigFile(path: string): Promise<{ path: string; text: string }> {
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (error) {
    throw new CommandError(`can't read ${path}: ${osReason(error)}`, { cause: error });
  }
}

/**
 * The configuration of a broker with these flags. Throws where that broker would refuse to start.
 */
export function brokerConfigOf(flags: readonly string[], io: Io): Promise<LoadedConfig> {
  return brokerConfig(parseArguments(flags, brokerOptions), io);
}
