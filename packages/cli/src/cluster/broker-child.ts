import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { linesOf } from "../records/lines.ts";
import type { Io } from "../terminal/io.ts";
import { osReason } from "../terminal/os-reason.ts";
import type { BrokerPlan } from "./plan.ts";

/** The path is the same from `src/cluster`, `dist/cluster` and `dist/bundle`. */
const PROGRAM = fileURLToPath(new URL("../../bin/tarpan.js", import.meta.url));
const READY = / is ready on (\S+) \(/;

export interface BrokerChildOptions {
  readonly plan: BrokerPlan;
  /** TARPAN_PROGRAM in the environment names another program that takes the same flags. */
  readonly env: Io["env"];
  /** Called with each line of its log. */
  readonly onLine: (line: string) => void;
}

/** A broker as a child process, which stops when this process ends. */
export class BrokerChild {
  readonly plan: BrokerPlan;
  /** Resolves to the broker's address once it serves, or to null if it ends before that. */
  readonly ready: Promise<string | null>;
  /** Resolves to how the broker ended: `exit code 1`, `SIGKILL`, or why it could not start. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;

  constructor({ plan, env, onLine }: BrokerChildOptions) {
    this.plan = plan;
    const program = env.TARPAN_PROGRAM ?? PROGRAM;
    // In a process group of its own: a terminal's Ctrl-C reaches only us, and we stop the brokers.
    // When we are killed, the pipe to its standard input ends, and that stops the broker.
    const flags = ["broker", ...plan.flags, "--stop-with-stdin"];
    const child = spawn(process.execPath, [program, ...flags], {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: { ...env },
    });
    this.#child = child;
    // Writing to a broker that has ended fails; `ended` reports that it has.
    child.stdin.on("error", () => {});
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(osReason(error)));
      child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.ready = this.#whenReady();
    void this.#passLines(onLine);
  }

  /** Asks it to shut down cleanly. */
  stop(): void {
    this.#child.kill("SIGTERM");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #whenReady(): Promise<string | null> {
    let address: string | null = null;
    const found = new Promise<string | null>((resolve) => {
      void (async () => {
        // Read to the end, because a full pipe would block the broker.
        for await (const line of linesOf(this.#child.stdout!)) {
          address ??= READY.exec(line.toString())?.[1] ?? null;
          if (address !== null) resolve(address);
        }
        resolve(null);
      })();
    });
    return found;
  }

  async #passLines(onLine: (line: string) => void): Promise<void> {
    for await (const line of linesOf(this.#child.stderr!)) onLine(line.toString());
  }
}
