import type { Env, Timer } from "../env/env.ts";
import type { LogFields, Logger, LogLevel } from "./logger.ts";

/** One warning of a sort in this time, ms; what comes meanwhile is counted. */
export const WARNING_INTERVAL_MS = 60_000;
/** Sorts told apart at a time: whoever makes new ones for ever costs no more than this. */
export const MAX_WARNING_KEYS = 100;

interface Throttled {
  readonly level: LogLevel;
  repeats: number;
  message: string;
  fields: LogFields;
  timer: Timer;
}

/**
 * Warnings of things that a peer can make happen as often as it likes. The first of a sort is
 * logged at once. The last of those that follow within a minute is logged when that is over, with
 * their number, so that nothing goes unsaid and nothing floods the log.
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

  /** False when there is nothing to tell. */
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
