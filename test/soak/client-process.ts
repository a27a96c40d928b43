import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SoakEvent } from "./events.ts";

const ERRORS_KEPT = 4_000;

/** A client of the soak in a process of its own: a program of this folder. */
export class ClientProcess {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #errors = "";
  #stopped = false;

  constructor(program: string, args: readonly string[], onEvent: (event: SoakEvent) => void) {
    this.#name = program;
    const path = fileURLToPath(new URL(program, import.meta.url));
    const sources = ["--conditions=tarpan-source", "--import", "tsx"];
    this.#child = spawn(process.execPath, [...sources, path, ...args]);
    this.#closed = once(this.#child, "close");
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const event = JSON.parse(line) as SoakEvent;
      if (event.event === "stopped") this.#stopped = true;
      onEvent(event);
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-ERRORS_KEPT);
    });
    this.#child.stdin!.on("error", () => {});
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  send(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Asks it to stop; resolves once all its events were taken. Rejects if it had ended badly. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#closed;
    if (!this.#stopped) throw new Error(`${this.#name} ended early:\n${this.#errors}`);
  }

  /** For a soak that has failed. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
