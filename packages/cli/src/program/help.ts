import type { HelpConfiguration } from "commander";
import type { KnownOption } from "../args/parser.ts";
import type { Io } from "../terminal/io.ts";

const WIDTH_WITHOUT_TERMINAL = 100;

/** Without a newline at the end: commander writes it. */
export const TRY_IT = `
Try it:
  tarpan broker                                          in one terminal
  tarpan produce --topic greetings --message Hello       in another
  tarpan consume --topic greetings --offset earliest`;

/** `-t, --topic NAME`, with all long names in one column. */
export const helpStyle: HelpConfiguration = {
  optionTerm(option) {
    const { short, name, argument } = (option as KnownOption).spec;
    const dashes = short === undefined ? `    --${name}` : `-${short}, --${name}`;
    return argument ? `${dashes} ${argument}` : dashes;
  },
};

export function helpWidth({ stdout }: Io): number {
  return stdout.columns ?? WIDTH_WITHOUT_TERMINAL;
}
