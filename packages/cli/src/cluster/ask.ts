// The broker's HTTP API, on the port that Kafka clients use.
import type { Arguments } from "../args/arguments.ts";
import { parseDuration } from "../args/values.ts";
import { type ClientSettings, clientSettings } from "../connection/client-settings.ts";
import { CommandError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";

const DEFAULT_TIMEOUT_MS = 30_000;

/** A broker answered with an error. */
export class Refused extends CommandError {
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Asks the first of the brokers to connect to that can be reached. */
export class HttpBrokers {
  readonly #args: Arguments;
  readonly #io: Io;
  #settings: Promise<ClientSettings> | null = null;
  readonly timeoutMs: number;

  constructor(args: Arguments, io: Io) {
    this.#args = args;
    this.#io = io;
    const timeout = args.text("timeout");
    this.timeoutMs =
      timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout, "--timeout");
  }

  /** Resolves to the answer's JSON. Rejects with Refused, or CommandError if no broker answers. */
  async ask(method: "GET" | "DELETE" | "POST", path: string): Promise<unknown> {
    this.#settings ??= clientSettings(this.#args, this.#io);
    const { bootstrap } = await this.#settings;
    let failure: unknown;
    for (const address of [bootstrap].flat().flatMap((list) => list.split(","))) {
      try {
        return await this.#askOne(address, method, path);
      } catch (error) {
        if (error instanceof Refused) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }

  async #askOne(address: string, method: string, path: string): Promise<unknown> {
    let status: number;
    let text: string;
    try {
      const signal = AbortSignal.timeout(this.timeoutMs);
      const answer = await fetch(`http://${address}${path}`, { method, signal });
      status = answer.status;
      text = await answer.text();
    } catch (error) {
      const cause = ((error as Error).cause ?? error) as Error;
      throw new CommandError(`can't reach ${address}: ${cause.message}`, { cause });
    }
    const json = parsed(text);
    if (json === undefined)
      throw new CommandError(`${address} answered ${status} without JSON: is it a Tarpan broker?`);
    if (status >= 400) throw new Refused(status, errorIn(json) ?? `${address} answered ${status}`);
    return json;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorIn(json: unknown): string | null {
  const error = (json as { error?: unknown } | null)?.error;
  return typeof error === "string" ? error : null;
}
