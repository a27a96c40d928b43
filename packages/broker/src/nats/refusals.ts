import { join } from "node:path";
import type { Env } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";
import { type Refusal, refusalIn } from "./refusal-line.ts";
import { LOG_FILE } from "./server-config.ts";

/** How long a refusal counts as lasting: nats-server tries again every second or two. */
const LASTING_MS = 20_000;
/** The time between two warnings about the same address and reason. */
const WARN_EVERY_MS = 60_000;
const REMEMBERED = 1000;
/** Read at most at a time; more is a flood, whose oldest lines are left out. */
const READ_BYTES = 256 * 1024;

export interface RefusalsOptions {
  /** Of the nats-server's log. */
  readonly directory: string;
  readonly env: Pick<Env, "fs" | "clock">;
  readonly logger: Logger;
  /** Raft addresses of the brokers. */
  readonly peers: () => readonly string[];
}

/**
 * Finds in the log of the broker's nats-server which connections between servers were refused, and
 * why. Nothing else tells: the servers try again for ever.
 */
export class Refusals {
  readonly #path: string;
  readonly #options: RefusalsOptions;
  readonly #counts = { us: 0, them: 0 };
  readonly #lastMs = new Map<string, number>();
  readonly #warnedMs = new Map<string, number>();
  #positionBytes = 0;

  private constructor(options: RefusalsOptions, positionBytes: number) {
    this.#options = options;
    this.#path = pathIn(options);
    this.#positionBytes = positionBytes;
  }

  /** Skips what the log holds already, which an earlier server wrote. */
  static async open(options: RefusalsOptions): Promise<Refusals> {
    const stat = await options.env.fs.stat(pathIn(options));
    return new Refusals(options, stat?.sizeBytes ?? 0);
  }

  /** Connections refused since the broker started, by which side. */
  get counts(): { readonly us: number; readonly them: number } {
    return { ...this.#counts };
  }

  /** What is refused now, one line each. */
  get lasting(): string[] {
    const sinceMs = this.#options.env.clock.monotonicMs() - LASTING_MS;
    return [...this.#lastMs].filter(([, atMs]) => atMs >= sinceMs).map(([text]) => text);
  }

  /** Reads what was added to the log. Rejects with the operating system's error. */
  async look(): Promise<void> {
    for (const line of (await this.#added()).split("\n")) {
      const refusal = refusalIn(line);
      if (refusal !== null) this.#note(refusal);
      if (line.includes("Failed to reload"))
        this.#options.logger.error(`raft: nats-server keeps its certificates: ${line}`);
    }
  }

  #note({ address, by, why }: Refusal): void {
    this.#counts[by]++;
    const [host, port] = [address.replace(/:\d+$/, ""), address.slice(address.lastIndexOf(":"))];
    // Who connects to us has another port at each try.
    const isPeer = this.#options.peers().some((peer) => peer.endsWith(port));
    const where = isPeer ? address : host;
    const text =
      by === "us"
        ? `refused a connection with ${where}: ${why}`
        : `the nats-server at ${where} refuses this broker's ${why}`;
    const nowMs = this.#options.env.clock.monotonicMs();
    remember(this.#lastMs, text, nowMs);
    const warnedMs = this.#warnedMs.get(text);
    if (warnedMs !== undefined && nowMs - warnedMs < WARN_EVERY_MS) return;
    remember(this.#warnedMs, text, nowMs);
    this.#options.logger.warn(`raft: ${text}`);
  }

  /** The whole lines that were added since the last call. */
  async #added(): Promise<string> {
    const { fs } = this.#options.env;
    const sizeBytes = (await fs.stat(this.#path))?.sizeBytes ?? 0;
    // A shorter file is a new one.
    const from = sizeBytes < this.#positionBytes ? 0 : this.#positionBytes;
    const start = Math.max(from, sizeBytes - READ_BYTES);
    if (sizeBytes === start) return "";
    const file = await fs.open(this.#path, { readOnly: true });
    try {
      const bytes = new Uint8Array(sizeBytes - start);
      const count = await file.read(bytes, start);
      const end = bytes.subarray(0, count).lastIndexOf(0x0a) + 1;
      this.#positionBytes = start + end;
      return new TextDecoder().decode(bytes.subarray(0, end));
    } finally {
      await file.close();
    }
  }
}

const pathIn = ({ directory }: RefusalsOptions) => join(directory, LOG_FILE);

/** Forgets the oldest ones of too many: an attacker may have many addresses. */
function remember(map: Map<string, number>, text: string, atMs: number): void {
  map.delete(text);
  map.set(text, atMs);
  if (map.size > REMEMBERED) map.delete(map.keys().next().value!);
}
