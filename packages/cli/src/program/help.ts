import type { Command } from "../args/command.ts";
import type { Option } from "../args/options.ts";

export interface CommandSummary {
  readonly name: string;
  readonly summary: string;
}

export function generalHelp(commands: readonly CommandSummary[], version: string): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `tarpan ${version}: a message queue that speaks the Kafka protocol

Usage: tarpan COMMAND [options]        tarpan COMMAND --help for each

${table(rows)}

Try it:
  tarpan broker                                          in one terminal
  tarpan produce --topic greetings --message Hello       in another
  tarpan consume --topic greetings --offset earliest
`;
}

export function commandHelp(command: Command): string {
  const usage = command.usage.map((line) => `  tarpan ${command.name} ${line}`.trimEnd());
  const options = command.options.map((option) => [usageOf(option), option.help] as const);
  const examples = command.examples.map((line) => `  ${line}`);
  return `${command.summary}

Usage:
${usage.join("\n")}

Options:
${table(options)}

Examples:
${examples.join("\n")}
`;
}

function usageOf({ name, short, argument }: Option): string {
  const dashes = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return argument ? `${dashes} ${argument}` : dashes;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
