import { EventEmitter } from "node:events";
import { Readable, Writable } from "node:stream";
import { run } from "../src/program/run.ts";
import type { Io } from "../src/terminal/io.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs in this process, with its output so far. */
export class RunningCommand {
  readonly #io: TestIo;
  readonly done: Promise<Outcome>;

  constructor(
    argv: readonly string[],
    { stdin = "", env = {}, terminal = {} }: CommandOptions = {},
  ) {
    this.#io = new TestIo(stdin, env);
    Object.assign(this.#io.stdin, { isTTY: terminal.stdin });
    Object.assign(this.#io.stderr, { isTTY: terminal.stderr });
    const io = this.#io;
    this.done = run(argv, io).then((code) => ({
      code,
      stdout: io.stdout.text,
      stderr: io.stderr.text,
    }));
  }

  /** Resolves to the first match on stdout; rejects if the command ends without a match. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#wrote(this.#io.stdout, pattern);
  }

  /** The same on stderr. */
  logged(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#wrote(this.#io.stderr, pattern);
  }

  async #wrote(stream: Collected, pattern: RegExp): Promise<RegExpExecArray> {
    let ended: Outcome | null = null;
    void this.done.then((outcome) => {
      ended = outcome;
      stream.changed.emit("write");
    });
    for (;;) {
      const match = pattern.exec(stream.text);
      if (match !== null) return match;
      if (ended !== null) throw new Error(`ended: ${JSON.stringify(ended)}`);
      await new Promise((resolve) => stream.changed.once("write", resolve));
    }
  }

  signal(name: "SIGINT" | "SIGTERM"): void {
    this.#io.emit(name);
  }
}

export interface CommandOptions {
  readonly stdin?: string | readonly string[] | Readable;
  /** Which of these streams is a terminal. */
  readonly terminal?: { readonly stdin?: boolean; readonly stderr?: boolean };
  readonly env?: Readonly<Record<string, string>>;
}

export function tarpan(argv: readonly string[], options?: CommandOptions): Promise<Outcome> {
  return new RunningCommand(argv, options).done;
}

class TestIo extends EventEmitter implements Io {
  readonly stdin: Readable;
  readonly stdout = new Collected();
  readonly stderr = new Collected();
  readonly env: Readonly<Record<string, string>>;

  constructor(stdin: NonNullable<CommandOptions["stdin"]>, env: Readonly<Record<string, string>>) {
    super();
    this.stdin =
      stdin instanceof Readable
        ? stdin
        : Readable.from([stdin].flat().map((piece) => Buffer.from(piece)));
    this.env = env;
  }
}

class Collected extends Writable {
  readonly changed = new EventEmitter();
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.changed.emit("write");
    done();
  }
}
