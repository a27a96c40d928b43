import { createPublicKey, type JsonWebKey } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { JwksSettings } from "../config/token-settings.ts";
import type { Env, Timer } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { shown } from "./claims.ts";
import { TokenError } from "./token-error.ts";

/** How long the issuer may take to answer, ms. Log-ins may wait for it. */
const TIMEOUT_MS = 10_000;

const MAX_BYTES = 1_048_576;

/** A file costs nothing to read, and is compared as those of certificates are. */
const FILE_INTERVAL_MS = 10_000;

/** Anybody can send tokens with unknown keys; no more often is the issuer asked for them, ms. */
const EARLY_INTERVAL_MS = 10_000;

export interface JwksParts {
  readonly env: Pick<Env, "network" | "fs" | "timers" | "clock">;
  readonly logger: Logger;
}

/**
 * The keys of one issuer, which are fetched again and again. As long as that fails the last keys
 * stay in use; the log, the metrics and, while there are no keys at all, `/ready` say so.
 */
export class JwksKeys {
  readonly listener: string;
  readonly #settings: JwksSettings;
  readonly #parts: JwksParts;
  readonly #ended = new AbortController();
  #keys: JWTVerifyGetKey | null = null;
  #count = 0;
  #content = "";
  #refreshing: Promise<void> | null = null;
  #timer: Timer | null = null;
  #attemptMs = Number.NEGATIVE_INFINITY;
  #refreshedMs: number | null = null;
  #failures = 0;
  /** Failures one after another. */
  #failuresInRow = 0;
  #problem: string | null = null;

  constructor(listener: string, settings: JwksSettings, parts: JwksParts) {
    this.listener = listener;
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Why the last attempt to fetch keys failed; null if it did not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Why nobody can log in by a token; null if there are keys. */
  get outage(): string | null {
    if (this.#keys !== null) return null;
    return this.#problem ?? `listener ${this.listener}: the keys of tokens are not known yet`;
  }

  /** Keys that tokens are checked by now. */
  get count(): number {
    return this.#count;
  }

  /** How often keys could not be fetched. */
  get failures(): number {
    return this.#failures;
  }

  /** When the keys were fetched last, ms since the epoch; null before that. */
  get refreshedMs(): number | null {
    return this.#refreshedMs;
  }

  /** Fetches the keys, now and again and again. Returns what ends that. */
  start(): () => void {
    void this.#refresh();
    return () => {
      this.#ended.abort();
      this.#timer?.cancel();
    };
  }

  /** Waits if they are being fetched for the first time. Rejects with TokenError without keys. */
  async known(): Promise<JWTVerifyGetKey> {
    if (this.#keys === null) await this.#refreshing;
    if (this.#keys === null) throw new TokenError(this.outage!, "unavailable");
    return this.#keys;
  }

  /** For an unknown key: fetches the keys now, unless that was tried just before. */
  async refreshEarly(): Promise<boolean> {
    const sinceMs = this.#parts.env.clock.monotonicMs() - this.#attemptMs;
    if (this.#refreshing === null && sinceMs < EARLY_INTERVAL_MS) return false;
    await this.#refresh();
    return true;
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#attempt().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #attempt(): Promise<void> {
    const { clock, timers } = this.#parts.env;
    this.#timer?.cancel();
    this.#attemptMs = clock.monotonicMs();
    try {
      await this.#take(await this.#load());
      this.#refreshedMs = clock.wallMs();
      this.#failuresInRow = 0;
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      this.#failed(error as Error);
    }
    if (this.#ended.signal.aborted) return;
    this.#timer = timers.after(this.#waitMs(), () => void this.#refresh());
  }

  #waitMs(): number {
    const { url, refreshMs, retryBackoffMs, retryBackoffMaxMs } = this.#settings;
    if (this.#failuresInRow > 0) {
      return Math.min(retryBackoffMs * 2 ** (this.#failuresInRow - 1), retryBackoffMaxMs);
    }
    return url.protocol === "file:" ? Math.min(refreshMs, FILE_INTERVAL_MS) : refreshMs;
  }

  async #load(): Promise<string> {
    const { url } = this.#settings;
    const { fs, network } = this.#parts.env;
    if (url.protocol === "file:") {
      const bytes = await fs.readFile(fileURLToPath(url));
      if (bytes === null) throw new Error("there is no such file");
      return Buffer.from(bytes).toString("utf8");
    }
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
    const { status, body } = await network.get(url.href, limits, this.#ended.signal);
    if (status !== 200) throw new Error(`it answers with status ${status}`);
    return body;
  }

  async #take(content: string): Promise<void> {
    if (content !== this.#content) {
      const { keys, faults } = parsed(content);
      const { createLocalJWKSet } = await import("jose");
      this.#keys = createLocalJWKSet({ keys });
      this.#count = keys.length;
      this.#content = content;
      const { logger } = this.#parts;
      logger.info(`listener ${this.listener}: ${keys.length} keys of tokens from ${this.#place}`);
      const unusable = `listener ${this.listener}: ${this.#place} has keys that can't be used`;
      if (faults.length > 0) logger.warn(`${unusable}: ${faults.slice(0, MOST_TOLD).join("; ")}`);
    } else if (this.#problem !== null) {
      this.#parts.logger.info(`listener ${this.listener}: ${this.#place} is as it should be again`);
    }
    this.#problem = null;
  }

  #failed(error: Error): void {
    this.#failures++;
    this.#failuresInRow++;
    const what = `its keys of tokens can't be fetched from ${this.#place}: ${error.message}`;
    const so =
      this.#keys === null ? "nobody can log in by OAUTHBEARER" : "the last keys stay in use";
    const problem = `listener ${this.listener}: ${what}; ${so}`;
    if (problem !== this.#problem) this.#parts.logger.error(`${problem}, and it is tried again`);
    this.#problem = problem;
  }

  /** A query might have a secret. */
  get #place(): string {
    const { protocol, host, pathname } = this.#settings.url;
    return `${protocol}//${host}${pathname}`;
  }
}

interface ParsedKeys extends JSONWebKeySet {
  /** Why the others are left out. */
  readonly faults: readonly string[];
}

/** Leaves out what no token can be checked by, so that it does not stand in the way of the rest. */
function parsed(content: string): ParsedKeys {
  let all: unknown;
  try {
    all = (JSON.parse(content) as Partial<JSONWebKeySet> | null)?.keys;
  } catch {
    throw new Error("it is not JSON");
  }
  if (!Array.isArray(all)) throw new Error("it is not a JWKS");
  const keys = [];
  const faults: string[] = [];
  for (const key of all) {
    const fault = faultOf(key);
    if (fault === null) keys.push(key);
    else faults.push(fault);
  }
  const why = faults.length > 0 ? `: ${faults[0]}` : "";
  if (keys.length === 0) throw new Error(`it has no public key that can be used${why}`);
  return { keys, faults };
}

/** Keys that sign with a secret (`oct`) are none: who can read them could make tokens. */
const KEY_TYPES: readonly unknown[] = ["RSA", "EC", "OKP"];
/** RFC 7518; and jose refuses to check by shorter ones. */
const MIN_RSA_BITS = 2_048;
const MOST_TOLD = 5;

/** Null if tokens can be checked by this key. */
function faultOf(key: JsonWebKey | null): string | null {
  const name = `the key ${shown(key?.kid)}`;
  if (!KEY_TYPES.includes(key?.kty)) return `${name} is of the type ${shown(key?.kty)}`;
  try {
    const { modulusLength } = createPublicKey({ key: key!, format: "jwk" }).asymmetricKeyDetails!;
    const isShort = modulusLength !== undefined && modulusLength < MIN_RSA_BITS;
    return isShort ? `${name} has ${modulusLength} bits, fewer than ${MIN_RSA_BITS}` : null;
  } catch {
    return `${name} can't be read`;
  }
}
