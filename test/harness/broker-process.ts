import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { temporaryDirectory } from "./temp.ts";

/** TARPAN_TEST_PROGRAM names another program with the same flags and the same line when ready. */
export const tarpanProgram =
  process.env.TARPAN_TEST_PROGRAM ??
  fileURLToPath(new URL("../../packages/cli/bin/tarpan.js", import.meta.url));

/** The address in the line that a broker writes when it is ready. */
const READY = /ready on [\d.]+:(\d+)\s/;
/** The log line of a broken invariant: a bug of the broker. */
const BUG = "this is a bug in Tarpan";
const START_LIMIT_MS = 20_000;
const OUTPUT_KEPT = 20_000;

export interface BrokerProcessOptions {
  /** Default: a new temporary directory. */
  readonly dataDirectory?: string;
  readonly flags?: readonly string[];
  /**
   * All arguments after `broker`. Default: flags for host, port and directory.
   */
  readonly commandLine?: readonly string[];
  readonly host?: string;
  /** Default: any free port. It stays the same at every start. */
  readonly port?: number;
  /** Default: the program named by the environment, or the built one of this repository. */
  readonly program?: string;
  /** A program, with arguments, that executes the rest of its command line. */
  readonly launcher?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly startLimitMs?: number;
}

/** A broker as users run it: in its own process, which tests kill and restart. */
export class BrokerProcess {
  /** What the next start runs. */
  program: string;
  readonly #options: BrokerProcessOptions;
  #child: ChildProcess | null = null;
  #dataDirectory = "";
  #port = 0;
  #output = "";
  #bugs: string[] = [];

  constructor(options: BrokerProcessOptions = {}) {
    this.#options = options;
    this.program = options.program ?? tarpanProgram;
    this.#port = options.port ?? 0;
  }

  get host(): string {
    return this.#options.host ?? "127.0.0.1";
  }

  get port(): number {
    return this.#port;
  }

  get bootstrap(): string {
    return `${this.host}:${this.#port}`;
  }

  /** Of the running process, or of the last one. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get dataDirectory(): string {
    return this.#dataDirectory;
  }

  /** The end of what it wrote to standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  /** What it has logged of broken invariants. */
  get bugs(): readonly string[] {
    return this.#bugs;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves once it serves: on any free port at first, then always on the same one. */
  async start(): Promise<void> {
    this.#dataDirectory ||= this.#options.dataDirectory ?? (await temporaryDirectory());
    const { flags = [], launcher = [], env = {} } = this.#options;
    const where = ["--bind-addr", this.host, "--bind-port", String(this.#port)];
    const made = [...where, "--data-dir", this.#dataDirectory, ...flags];
    const broker = ["broker", ...(this.#options.commandLine ?? made)];
    const [program, ...args] = [...launcher, process.execPath, this.program, ...broker];
    const child = spawn(program!, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    this.#port = await this.#whenReady(child);
  }

  #whenReady(child: ChildProcess): Promise<number> {
    return new Promise((resolve, reject) => {
      let sinceStart = "";
      const fail = (what: string) => reject(new Error(`${what}:\n${this.#output}`));
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        fail("The broker was not ready in time");
      }, this.#options.startLimitMs ?? START_LIMIT_MS);
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        fail(`The broker ended with ${signal ?? code} before it was ready`);
      });
      for (const stream of [child.stdout!, child.stderr!]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          this.#output = (this.#output + text).slice(-OUTPUT_KEPT);
          if (text.includes(BUG)) this.#bugs.push(text);
          sinceStart += text;
          const ready = READY.exec(sinceStart);
          if (!ready) return;
          clearTimeout(timer);
          resolve(Number(ready[1]));
        });
      }
    });
  }

  /** Kills it with SIGKILL. */
  kill9(): Promise<void> {
    return this.#end("SIGKILL").then(() => {});
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    if (this.running) await once(this.#child!, "exit");
  }

  /** Asks it to stop; resolves to its exit code. */
  stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  /** Suspends it, like a machine that hangs: it answers nothing and closes no connection. */
  pause(): void {
    this.#child!.kill("SIGSTOP");
  }

  resume(): void {
    this.#child!.kill("SIGCONT");
  }

  async restart(): Promise<void> {
    await this.kill9();
    await this.start();
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null || !this.running) return child?.exitCode ?? null;
    const exited = once(child, "exit");
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }

  /** Resident memory, bytes. Linux only. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#child!.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }
}

/** A broker for all tests of a file. Its output is shown with every test that fails. */
export function useBroker(options: BrokerProcessOptions = {}): BrokerProcess {
  const broker = new BrokerProcess(options);
  beforeAll(() => broker.start());
  afterEach(({ task }) => {
    expect(broker.bugs, broker.output).toEqual([]);
    if (task.result?.state === "fail") console.error(`The broker wrote:\n${broker.output}`);
  });
  afterAll(() => broker.kill9());
  return broker;
}
