import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { CommandError } from "./failures.ts";
import type { Io } from "./io.ts";

/** Standard input up to its end, without the newline of `echo`. */
export async function passwordFromStdin({ stdin }: Io): Promise<string> {
  const password = (await text(stdin)).replace(/\r?\n$/, "");
  if (password === "") throw new CommandError("standard input has no password");
  if (password.includes("\ufffd")) throw new CommandError("standard input is not a text in UTF-8");
  if (/[\r\n]/.test(password)) throw new CommandError("standard input has more than one line");
  return password;
}

/** Asks twice on the terminal, and shows nothing of what is typed. */
export async function askNewPassword(name: string, io: Io): Promise<string> {
  const first = await ask(`New password of ${name}: `, io);
  if (first === "") throw new CommandError("a password can't be empty: nothing was changed");
  const second = await ask("The same password again: ", io);
  if (first !== second) throw new CommandError("the two passwords differ: nothing was changed");
  return first;
}

async function ask(question: string, { stdin, stderr }: Io): Promise<string> {
  // It echoes to its output what is typed.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output, terminal: true, historySize: 0 });
  stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      // Ctrl-C, Ctrl-D, or the end of the terminal.
      lines.once("close", () => reject(new CommandError("nothing was changed")));
    });
  } finally {
    lines.close();
    stderr.write("\n");
  }
}
