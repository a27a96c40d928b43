// The broker's HTTP API, on the port that Kafka clients use.
import type { Arguments } from "../args/arguments.ts";
import { securityFrom } from "../args/security-flags.ts";
import { parseDuration } from "../args/values.ts";
import { CommandError } from "../terminal/failures.ts";
import { askByHttp, type Security } from "./http-request.ts";

const DEFAULT_BOOTSTRAP = "localhost:9092";
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

/** Asks the first broker of `--bootstrap` that can be reached. */
export class HttpBrokers {
  readonly #addresses: readonly string[];
  readonly #args: Arguments;
  #security: Promise<Security> | null = null;
  readonly timeoutMs: number;

  constructor(args: Arguments) {
    this.#args = args;
    this.#addresses = (args.text("bootstrap") ?? DEFAULT_BOOTSTRAP).split(",");
    const timeout = args.text("timeout");
    this.timeoutMs =
      timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(timeout, "--timeout");
  }

  /** Resolves to the answer's JSON. Rejects with Refused, or CommandError if no broker answers. */
  async ask(method: "GET" | "DELETE" | "POST", path: string): Promise<unknown> {
    let failure: unknown;
    for (const address of this.#addresses) {
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
    this.#security ??= securityFrom(this.#args);
    const security = await this.#security;
    const asked = { method, path, timeoutMs: this.timeoutMs };
    const { status, text } = await askByHttp(address, asked, security).catch((error) => {
      if (error instanceof CommandError) throw error;
      throw new CommandError(`can't reach ${address}: ${reasonOf(error)}`, { cause: error });
    });
    const json = parsed(text);
    if (json === undefined)
      throw new CommandError(`${address} answered ${status} without JSON: is it a Tarpan broker?`);
    if (status >= 400) throw new Refused(status, errorIn(json) ?? `${address} answered ${status}`);
    return json;
  }
}

/** Without a message if several addresses of a name were tried. */
function reasonOf({ message, code }: NodeJS.ErrnoException): string {
  return message || code || "no connection";
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
