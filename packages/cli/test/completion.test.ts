// `tarpan completion SHELL`, tested by what the shell itself proposes.
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fishScript } from "../src/completion/fish.ts";
import { zshScript } from "../src/completion/zsh.ts";
import { tarpan } from "./run-command.ts";

const directory = mkdtempSync(join(tmpdir(), "tarpan-completion-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A shell that hangs fails the test after this time. */
const SHELL_LIMIT_MS = 20_000;

type Propose = (script: string, words: readonly string[]) => readonly [string, ...string[]];

/** The command that prints what the shell proposes for the last of `words`, one per line. */
const SHELLS: Readonly<Record<string, Propose>> = {
  bash: (script, words) => {
    const run = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tarpan
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return ["bash", "--norc", "-c", run, script, ...words];
  },
  fish: (script, words) => {
    const run = "source $argv[1]; complete -C (string join -- ' ' $argv[2..-1])";
    return ["fish", "--no-config", "-c", run, script, ...words];
  },
  zsh: (script, words) => ["zsh", "-f", ZSH_PROPOSALS, script, words.join(" ")],
};

const ZSH_PROPOSALS = join(import.meta.dirname, "zsh-proposals.zsh");

beforeAll(() => {
  mkdirSync(join(directory, "logs"));
  writeFileSync(join(directory, "logo.png"), "");
});

describe.each(Object.entries(SHELLS))("%s", (shell, command) => {
  const script = join(directory, `script.${shell}`);

  beforeAll(async () => {
    const { code, stdout } = await tarpan(["completion", shell]);
    expect(code).toBe(0);
    writeFileSync(script, stdout);
  });

  async function proposed(...words: string[]): Promise<string[]> {
    const [program, ...argv] = command(script, ["tarpan", ...words]);
    const { stdout } = await promisify(execFile)(program, argv, {
      cwd: directory,
      timeout: SHELL_LIMIT_MS,
    });
    // Fish adds descriptions, and shells mark directories.
    const lines = stdout.split("\n").map((line) => line.split("\t")[0]!.replace(/[=/]?\s*$/, ""));
    return [...new Set(lines.filter((line) => line !== ""))].sort();
  }

  test.for<readonly [what: string, words: readonly string[], expected: readonly string[]]>([
    ["a command", ["cl"], ["client", "cluster"]],
    ["an action", ["group", ""], ["delete", "describe", "lag", "list", "reset-offsets"]],
    ["the actions of dlq", ["dlq", ""], ["list", "purge", "redrive", "show", "stats"]],
    ["an action of delayed", ["delayed", "c"], ["cancel"]],
    ["the actions of half", ["half", ""], ["list", "resolve"]],
    ["no second action", ["group", "list", "l"], []],
    ["an option", ["consume", "--group"], ["--group", "--group-instance-id"]],
    ["an option after an action", ["topic", "alter", "--delete"], ["--delete-config"]],
    ["a flag of the broker's own list", ["broker", "--flush"], ["--flush", "--flush-interval"]],
    ["nothing where the value is free text", ["topic", "create", "--topic", ""], []],
    ["a directory", ["broker", "--data-dir", ""], ["logs"]],
    ["a file to send", ["produce", "--format", "raw", "logo"], ["logo.png"]],
    ["its own shells", ["completion", "z"], ["zsh"]],
  ])("%s", { timeout: 30_000 }, async ([, words, expected], context) => {
    if (spawnSync(shell, ["--version"]).error) context.skip(`there is no ${shell} here`);
    expect(await proposed(...words)).toEqual(expected);
  });
});

test("quotes and dollar signs in help texts reach the shell unchanged", () => {
  const command = { name: "c", summary: "it's", actions: [], takesFiles: false };
  const options = [{ name: "o", argument: "A[:B]", help: "[x]: it's $HOME" }];
  const program = { name: "tarpan", commands: [{ ...command, options }] };
  expect(zshScript(program)).toContain("--o='[\\[x\\]\\: it'\\''s $HOME]:A\\[\\:B\\]: '");
  expect(zshScript(program)).toContain("'c:it'\\''s'");
  expect(fishScript(program)).toContain("-d 'it\\'s'\n");
});
