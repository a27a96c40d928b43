import type { Option } from "../args/options.ts";
import {
  type CompletedCommand,
  type CompletedProgram,
  quoted,
  type ValueKind,
  valueKind,
} from "./program.ts";

/** zsh's action for a value; none for text. */
const ACTIONS: Readonly<Record<ValueKind, string>> = {
  file: "_files",
  directory: "_files -/",
  text: " ",
};

/** The script works as a file in fpath, and when it is sourced. */
export function zshScript({ name, commands }: CompletedProgram): string {
  const summaries = commands.map((command) => quoted(`${command.name}:${command.summary}`));
  return `#compdef ${name}
_${name}() {
  local -a commands
  commands=(
    ${summaries.join("\n    ")}
  )
  if ((CURRENT == 2)); then
    _describe -t commands command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(commandCase).join("\n")}
  esac
}
if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function commandCase({ name, actions, options, takesFiles }: CompletedCommand): string {
  const first = actions.map((action) => `${action.name}\\:${inner(action.summary)}`);
  const specs = [
    ...options.map(optionSpec),
    ...(actions.length === 0 ? [] : [quoted(`1:action:((${first.join(" ")}))`)]),
    ...(takesFiles ? [quoted("*:file:_files")] : []),
  ];
  return `    ${name})\n      _arguments -s \\\n        ${specs.join(" \\\n        ")}\n      ;;`;
}

/** `'(-t --topic)'{-t,--topic=}'[a topic]:NAME: '`. */
function optionSpec(option: Option): string {
  const { name, short, argument, repeat, help } = option;
  const kind = valueKind(option);
  const long = kind === null ? `--${name}` : `--${name}=`;
  const value = kind === null ? "" : `:${escaped(argument!)}:${ACTIONS[kind]}`;
  const text = quoted(`[${escaped(help)}]${value}`);
  const both = short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
  const before = repeat ? quoted("*") : quoted(`(${both.join(" ")})`);
  return short === undefined ? `${before}${long}${text}` : `${before}{-${short},${long}}${text}`;
}

const escaped = (text: string) => text.replace(/[\\[\]:]/g, "\\$&");
/** Quoted for a list of values, in which blanks and brackets end a value. */
const inner = (text: string) => escaped(text).replace(/[\s()"']/g, "\\$&");
