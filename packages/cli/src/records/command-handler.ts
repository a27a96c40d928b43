import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { ConsumedRecord, HandlerContext } from "@tarpan/client";
import type { Io } from "../terminal/io.ts";
import type { RecordFormat } from "./format.ts";

/** Time from SIGTERM to SIGKILL, ms. */
const KILL_AFTER_MS = 5_000;
/** How much of what a command says last becomes part of a dead letter, in characters. */
const KEPT_CHARACTERS = 4_096;

/** Handles each record by a shell command, which has failed unless its exit code is 0. */
export class CommandHandler {
  readonly #command: string;
  readonly #format: RecordFormat;
  readonly #io: Io;
  readonly #running = new Set<ChildProcess>();
  #killed = false;

  constructor(command: string, format: RecordFormat, io: Io) {
    this.#command = command;
    this.#format = format;
    this.#io = io;
  }

  async handle(record: ConsumedRecord, { attempt, signal }: HandlerContext): Promise<void> {
    const { topic, partition, offset } = record;
    const told = { TARPAN_TOPIC: topic, TARPAN_PARTITION: partition, TARPAN_OFFSET: offset };
    const texts = Object.entries({ ...told, TARPAN_ATTEMPT: attempt }).map(([name, value]) => [
      name,
      String(value),
    ]);
    const env = { ...this.#io.env, ...Object.fromEntries(texts) };
    // In a process group of its own: Ctrl-C shall not end what runs, and the signal ends all of it.
    const child = spawn(this.#command, { shell: true, detached: true, env });
    const kill = () => this.#stop(child);
    signal.addEventListener("abort", kill);
    this.#running.add(child);
    try {
      await this.#ended(child, this.#format(record));
    } finally {
      signal.removeEventListener("abort", kill);
      this.#running.delete(child);
    }
  }

  async #ended(child: ChildProcess, input: Uint8Array): Promise<void> {
    // A command need not read its input.
    child.stdin!.on("error", () => {}).end(input);
    const said = tailOf(child.stderr!, this.#io.stderr);
    const printed = passOn(child.stdout!, this.#io.stdout);
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    await printed;
    // What is killed has not failed: it must not become a dead letter.
    if (this.#killed) await new Promise(() => {});
    if (code !== 0) throw commandError(code, signal, await said);
  }

  #stop(child: ChildProcess): void {
    signalGroup(child, "SIGTERM");
    setTimeout(
      () => this.#running.has(child) && signalGroup(child, "SIGKILL"),
      KILL_AFTER_MS,
    ).unref();
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Ends all commands at once. No `handle` settles after that. */
  kill(): void {
    this.#killed = true;
    for (const child of this.#running) signalGroup(child, "SIGKILL");
  }
}

function signalGroup({ pid }: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

async function passOn(from: Readable, to: Writable): Promise<void> {
  for await (const chunk of from) if (!to.write(chunk)) await once(to, "drain");
}

/** Passes all of it on, and resolves to its end. */
async function tailOf(from: Readable, to: Writable): Promise<string> {
  let tail = "";
  for await (const chunk of from) {
    tail = (tail + String(chunk)).slice(-KEPT_CHARACTERS);
    to.write(chunk);
  }
  return tail.trim();
}

/** The last line on standard error says why; all of it takes the place of a stack. */
function commandError(code: number | null, signal: string | null, said: string): Error {
  const how = code === null ? `ended by ${signal}` : `exit code ${code}`;
  const lastLine = said.split("\n").at(-1);
  const error = new Error(lastLine ? `${how}: ${lastLine}` : how);
  error.stack = said;
  return error;
}
