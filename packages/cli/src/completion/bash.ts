import type { Option } from "../args/options.ts";
import { type CompletedCommand, type CompletedProgram, quoted, valueKind } from "./program.ts";

/** For bash 3.2 and newer, without the package bash-completion. */
export function bashScript({ name, commands }: CompletedProgram): string {
  const names = commands.map((command) => command.name).join(" ");
  return `# Completes ${name} in bash: eval "$(${name} completion bash)"
_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  local actions="" options="" files="" directories="" texts="" takes_files=""
  COMPREPLY=()
  # Bash splits --name=value into three words.
  if [[ $word == = ]]; then
    word=""
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quoted(names)} -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(commandCase).join("\n")}
    *) return ;;
  esac
  if [[ " $files " == *" $before "* ]]; then
    _${name}_files -f
  elif [[ " $directories " == *" $before "* ]]; then
    _${name}_files -d
  elif [[ " $texts " == *" $before "* ]]; then
    return
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ $actions && $COMP_CWORD -eq 2 ]]; then
    COMPREPLY=($(compgen -W "$actions" -- "$word"))
  elif [[ $takes_files ]]; then
    _${name}_files -f
  fi
}
_${name}_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$word"))
}
complete -F _${name} ${name}
`;
}

function commandCase({ name, actions, options, takesFiles }: CompletedCommand): string {
  const flagsOf = (kind: ReturnType<typeof valueKind>) =>
    options.filter((option) => valueKind(option) === kind).flatMap(flags);
  const variables: Readonly<Record<string, readonly string[]>> = {
    actions: actions.map((action) => action.name),
    options: options.map((option) => `--${option.name}`),
    files: flagsOf("file"),
    directories: flagsOf("directory"),
    texts: flagsOf("text"),
    takes_files: takesFiles ? ["yes"] : [],
  };
  const lines = Object.entries(variables)
    .filter(([, words]) => words.length > 0)
    .map(([variable, words]) => `      ${variable}=${quoted(words.join(" "))}`);
  return `    ${name})\n${lines.join("\n")}\n      ;;`;
}

/** All ways to write the option before a value: older tools use one dash. */
function flags({ name, short }: Option): string[] {
  return [`--${name}`, `-${name}`, ...(short === undefined ? [] : [`-${short}`])];
}
