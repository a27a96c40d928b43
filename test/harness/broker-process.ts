import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { temporaryDirectory } from "./temp.ts";

/** TARPAN_TEST_PROGRAM names another one that takes the same flags and says as much when ready. */
export const tarpanProgram =
  process.env.TARPAN_TEST_PROGRAM ??
  fileURLToPath(new URL("../../packages/cli/bin/tarpan.js", import.meta.url));

/** How the line that tells a broker is ready gives its address. */
const READY = /ready on [\d.]+:(\d+)\s/;
/** What the log says when an invariant of the broker's own did not hold. */
const BUG = "this is a bug in Tarpan";
const START_LIMIT_MS = 20_000;
const OUTPUT_KEPT = 20_000;

export interface BrokerProcessOptions {
  /** A fresh temporary directory when left out. */
  readonly dataDirectory?: string;
  readonly flags?: readonly string[];
  /**
   * All that follows `broker`, instead of the flags for host, port and directory that are made
   * here.
   */
  readonly commandLine?: readonly string[];
  readonly host?: string;
  /** Any free one when left out, and the same one at every start. */
  readonly port?: number;
  /** Instead of the built one of this repository, or the one named by the environment. */
  readonly program?: string;
  /** A program and its arguments that run the rest of a command line as themselves. */
  readonly launcher?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly startLimitMs?: number;
}

/** A broker as users run it: its own process, killed and started again as a test likes. */
export class BrokerProcess {
  readonly #options: BrokerProcessOptions;
  #child: ChildProcess | null = null;
  #dataDirectory = "";
  #port = 0;
  #output = "";
  #bugs = 0;

  constructor(options: BrokerProcessOptions = {}) {
    this.#options = options;
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

  /** Of the process that runs or ran last. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get dataDirectory(): string {
    return this.#dataDirectory;
  }

  /** What it wrote to both outputs, most recent last. */
  get output(): string {
    return this.#output;
  }

  /** How often it has logged a bug of its own. */
  get bugs(): number {
    return this.#bugs;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves once it serves. The port is any free one at first, the same one after that. */
  async start(): Promise<void> {
    this.#dataDirectory ||= this.#options.dataDirectory ?? (await temporaryDirectory());
    const { flags = [], launcher = [], env = {}, program: own = tarpanProgram } = this.#options;
    const where = ["--bind-addr", this.host, "--bind-port", String(this.#port)];
    const made = [...where, "--data-dir", this.#dataDirectory, ...flags];
    const broker = ["broker", ...(this.#options.commandLine ?? made)];
    const [program, ...args] = [...launcher, process.execPath, own, ...broker];
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
          if (text.includes(BUG)) this.#bugs += 1;
          sinceStart += text;
          const ready = READY.exec(sinceStart);
          if (!ready) return;
          clearTimeout(timer);
          resolve(Number(ready[1]));
        });
      }
    });
  }

  /** The end that nobody prepares for. */
  kill9(): Promise<void> {
    return this.#end("SIGKILL").then(() => {});
  }

  /** Asks it to stop; resolves to its exit code. */
  stop(): Promise<number | null> {
    return this.#end("SIGTERM");
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

  /** Resident memory, in bytes. Linux only. */
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
    expect(broker.bugs, broker.output).toBe(0);
    if (task.result?.state === "fail") console.error(`The broker wrote:\n${broker.output}`);
  });
  afterAll(() => broker.kill9());
  return broker;
}
