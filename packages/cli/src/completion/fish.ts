import type { Option } from "../args/options.ts";
import {
  type CompletedCommand,
  type CompletedProgram,
  type ValueKind,
  valueKind,
} from "./program.ts";

/** What to complete after an option; nothing for text. */
const VALUES: Readonly<Record<ValueKind, string>> = {
  file: " -r -F",
  directory: " -x -a '(__fish_complete_directories)'",
  text: " -x",
};

export function fishScript({ name, commands }: CompletedProgram): string {
  const lines = commands.flatMap((command) => commandLines(name, command));
  return `# Completes ${name} in fish.
function __${name}_words_are
    test (count (commandline -opc)) -eq $argv[1]
end
function __${name}_command_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end
complete -c ${name} -f
${lines.join("\n")}
`;
}

function commandLines(program: string, command: CompletedCommand): string[] {
  const { name, summary, actions, options, takesFiles } = command;
  const complete = (condition: string, rest: string) =>
    `complete -c ${program} -n ${quoted(condition)} ${rest}`;
  const isIt = `__${program}_command_is ${name}`;
  const isNext = `${isIt}; and __${program}_words_are 2`;
  return [
    complete(`__${program}_words_are 1`, `-a ${name} -d ${quoted(summary)}`),
    ...actions.map((action) => complete(isNext, `-a ${action.name} -d ${quoted(action.summary)}`)),
    ...options.map((option) => complete(isIt, optionOf(option))),
    ...(takesFiles ? [complete(isIt, "-F")] : []),
  ];
}

function optionOf(option: Option): string {
  const { name, short, help } = option;
  const kind = valueKind(option);
  const letter = short === undefined ? "" : `-s ${short} `;
  return `${letter}-l ${name}${kind === null ? "" : VALUES[kind]} -d ${quoted(help)}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
