import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../connection.ts";

const CONNECT_RETRY_MS = 2;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;
const OUTPUT_KEPT = 4_000;
/** Linux reports processor time in hundredths of a second, whatever the kernel's tick is. */
const CLOCK_TICK_MS = 10;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A measured server, in its own process. */
export class ServerProcess {
  readonly port: number;
  readonly startedMs: number;
  readonly #child: ChildProcess;
  #output = "";
  #exited = false;

  /** Returns as soon as the process exists: `connect` tells when it listens. */
  constructor(port: number, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.port = port;
    this.startedMs = performance.now();
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    running.add(this.#child);
    this.#child.once("exit", () => {
      this.#exited = true;
      running.delete(this.#child);
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
      });
    }
  }

  /** Resolves to a connection as soon as the server accepts one. */
  async connect(): Promise<Connection> {
    const limitMs = performance.now() + START_LIMIT_MS;
    for (;;) {
      if (this.#exited) throw new Error(`A server ended before it listened:\n${this.#output}`);
      if (performance.now() > limitMs)
        throw new Error(`A server does not listen on port ${this.port}:\n${this.#output}`);
      try {
        return await Connection.open(this.port);
      } catch {
        await sleep(CONNECT_RETRY_MS);
      }
    }
  }

  get exited(): boolean {
    return this.#exited;
  }

  /** The end of its output, for an error message. */
  get output(): string {
    return this.#output;
  }

  /** Resident memory. Linux only; NaN elsewhere. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8").catch(() => "");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
  }

  /** Processor time used so far, by all threads. Linux only; NaN elsewhere. */
  async cpuMs(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
  }

  /** Kills the process with SIGKILL. */
  async kill(): Promise<void> {
    if (this.#exited) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  /** Asks the process to end, and kills it if it does not. */
  async stop(): Promise<void> {
    if (this.#exited) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_LIMIT_MS);
    await exited;
    clearTimeout(killer);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
