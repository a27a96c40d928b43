import type { Env, Timer } from "../env/env.ts";
import type { LogFields, Logger, LogLevel } from "./logger.ts";

/** One warning of a kind in this time, ms; more of them are counted. */
export const WARNING_INTERVAL_MS = 60_000;
/** Kinds of warnings that are remembered: a client that causes ever new ones costs no more. */
export const MAX_WARNING_KEYS = 100;

interface Throttled {
  readonly level: LogLevel;
  repeats: number;
  message: string;
  fields: LogFields;
  timer: Timer;
}

/**
 * Warnings that a peer can cause as often as it likes. The first one of a kind is logged at once.
 * At the end of the minute the last of those that followed is logged with their number, so that the
 * log shows every kind and is not flooded.
 */
export class ThrottledWarnings {
  readonly #env: Pick<Env, "timers">;
  readonly #logger: Logger;
  readonly #sorts = new Map<string, Throttled>();
  #closed = false;

  constructor(env: Pick<Env, "timers">, logger: Logger) {
    this.#env = env;
    this.#logger = logger;
  }

  /** Warnings with the same `key` are of one sort. */
  warn(key: string, message: string, fields: LogFields, level: LogLevel = "warn"): void {
    if (this.#closed) return;
    const full = this.#sorts.size >= MAX_WARNING_KEYS && !this.#sorts.has(key);
    const sort = full ? "others" : key;
    const known = this.#sorts.get(sort);
    if (known !== undefined) {
      known.repeats++;
      known.message = message;
      known.fields = fields;
      return;
    }
    this.#logger[level](message, fields);
    this.#sorts.set(sort, { level, repeats: 0, message, fields, timer: this.#arm(sort) });
  }

  close(): void {
    this.#closed = true;
    for (const [key, { timer }] of this.#sorts) {
      timer.cancel();
      this.#tell(key);
    }
    this.#sorts.clear();
  }

  #arm(key: string): Timer {
    return this.#env.timers.after(WARNING_INTERVAL_MS, () => {
      if (!this.#tell(key)) this.#sorts.delete(key);
      else this.#sorts.get(key)!.timer = this.#arm(key);
    });
  }

  /** False when there is nothing to log. */
  #tell(key: string): boolean {
    const sort = this.#sorts.get(key)!;
    if (sort.repeats === 0) return false;
    const repeats = sort.repeats;
    sort.repeats = 0;
    const message = `${sort.message} (${repeats} more like this)`;
    this.#logger[sort.level](message, { ...sort.fields, repeats });
    return true;
  }
}
