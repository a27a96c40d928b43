import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { atFileEnd } from "./file-end.ts";

const START_LIMIT_MS = 20_000;
const OUTPUT_KEPT = 20_000;
const POLL_MS = 20;

/** A third-party server that a test starts, kills and restarts on the same port. */
export class ServerProcess {
  readonly port: number;
  readonly #path: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #output = "";

  constructor(path: string, args: readonly string[], port: number) {
    this.#path = path;
    this.#args = args;
    this.port = port;
    atFileEnd(() => this.kill9());
  }

  get processId(): number {
    return this.#child!.pid!;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves once it accepts connections. */
  async start(): Promise<this> {
    const child = spawn(this.#path, this.#args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      });
    const untilMs = performance.now() + START_LIMIT_MS;
    while (!(await takesConnections(this.port))) {
      if (!this.running || performance.now() > untilMs)
        throw new Error(`${this.#path} does not listen on ${this.port}:\n${this.#output}`);
      await sleep(POLL_MS);
    }
    return this;
  }

  kill9(): Promise<void> {
    return this.#end("SIGKILL");
  }

  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Suspends it, like a machine that hangs: it answers nothing and closes no connection. */
  pause(): void {
    this.#child!.kill("SIGSTOP");
  }

  resume(): void {
    this.#child!.kill("SIGCONT");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child!, "exit");
    this.#child!.kill(signal);
    await exited;
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
  });
}
