import { once } from "node:events";
import { CommandError } from "./failures.ts";
import type { Io } from "./io.ts";

/** Asks on the terminal. Rejects unless the answer is yes; without a terminal, says what to add. */
export async function confirm(question: string, io: Io): Promise<void> {
  if (!io.stdin.isTTY) throw new CommandError(`${question} Add --yes if so`);
  io.stderr.write(`${question} [y/N] `);
  const [answer = ""] = await Promise.race([once(io.stdin, "data"), once(io.stdin, "end")]);
  if (!/^y(es)?\s*$/i.test(String(answer))) throw new CommandError("nothing was changed");
}
