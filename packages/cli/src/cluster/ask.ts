// The broker's HTTP API, on the port that Kafka clients use.
import type { Arguments } from "../args/arguments.ts";
import { type ClientSettings, clientSettings } from "../connection/client-settings.ts";
import { CommandError } from "../terminal/failures.ts";
import type { Io } from "../terminal/io.ts";
import { askByHttp, type Security } from "./http-request.ts";

const NO_USER = "this port asks for a log-in: add --sasl-username NAME --sasl-password-file FILE";
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

/** Asks the first of the brokers that can be reached. */
export class HttpBrokers {
  readonly #addresses: readonly string[];
  readonly #security: Security;
  readonly timeoutMs: number;

  private constructor({ bootstrap, timeoutMs = DEFAULT_TIMEOUT_MS, ...security }: ClientSettings) {
    this.#addresses = typeof bootstrap === "string" ? bootstrap.split(",") : bootstrap;
    this.#security = security;
    this.timeoutMs = timeoutMs;
  }

  /** The brokers that the arguments, the environment or a profile name. */
  static async from(args: Arguments, io: Io): Promise<HttpBrokers> {
    return new HttpBrokers(await clientSettings(args, io));
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
    const asked = { method, path, timeoutMs: this.timeoutMs };
    const { status, text } = await askByHttp(address, asked, this.#security).catch((error) => {
      if (error instanceof CommandError) throw error;
      throw new CommandError(`can't reach ${address}: ${reasonOf(error)}`, { cause: error });
    });
    const json = parsed(text);
    if (json === undefined)
      throw new CommandError(`${address} answered ${status} without JSON: is it a Tarpan broker?`);
    if (status === 401 && this.#security.sasl === undefined) throw new Refused(status, NO_USER);
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
