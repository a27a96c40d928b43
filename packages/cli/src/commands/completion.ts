import type { Command as Parser } from "commander";
import type { Action, Command } from "../args/command.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { type CompletedProgram, completedProgram } from "../completion/program.ts";
import { zshScript } from "../completion/zsh.ts";
import type { Io } from "../terminal/io.ts";

/** Describes the whole command line, which `wholeProgram` loads. */
export function completion(wholeProgram: (io: Io) => Promise<Parser>): Command {
  const action = (shell: string, script: (program: CompletedProgram) => string): Action => ({
    summary: `the script for ${shell}`,
    async run(args, io) {
      args.end();
      io.stdout.write(script(completedProgram(await wholeProgram(io))));
    },
  });
  return {
    name: "completion",
    summary: "Print a script that lets a shell complete commands, options and files.",
    usage: ["bash | zsh | fish"],
    options: [],
    examples: [
      'eval "$(tarpan completion bash)"                              # in ~/.bashrc',
      "tarpan completion zsh > ~/.zsh/_tarpan                        # a directory of fpath",
      "tarpan completion fish > ~/.config/fish/completions/tarpan.fish",
    ],
    run: {
      bash: action("bash", bashScript),
      zsh: action("zsh", zshScript),
      fish: action("fish", fishScript),
    },
  };
}
