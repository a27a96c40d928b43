// The logs of several brokers on one terminal: each line begins with its broker's name.
import { textLine } from "../logging/text-line.ts";
import type { Io } from "../terminal/io.ts";

/** Cyan, yellow, green, magenta, blue: readable on black and on white. */
const COLOURS = [36, 33, 32, 35, 34];

export class PrefixedLines {
  readonly #stderr: Io["stderr"];
  readonly #coloured: boolean;

  constructor({ stderr, env }: Pick<Io, "stderr" | "env">) {
    this.#stderr = stderr;
    this.#coloured = stderr.isTTY === true && !env.NO_COLOR;
  }

  write(nodeId: number, line: string): void {
    const name = `broker-${nodeId} |`;
    const colour = COLOURS[(nodeId - 1) % COLOURS.length];
    const prefix = this.#coloured ? `\x1b[${colour}m${name}\x1b[0m` : name;
    // A broker whose log does not go to a terminal writes JSON; here people read it.
    this.#stderr.write(`${prefix} ${textLine(line)}\n`);
  }
}
