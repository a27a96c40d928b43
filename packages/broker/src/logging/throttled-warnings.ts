import type { Env, Timer } from "../env/env.ts";
import type { LogFields, Logger, LogLevel } from "./logger.ts";

/** In this time, one warning of a kind is logged and the others are counted. */
export const WARNING_INTERVAL_MS = 60_000;
/** Kinds of warnings that are remembered. All further kinds count as one, to bound the memory. */
export const MAX_WARNING_KEYS = 100;

interface Throttled {
  readonly level: LogLevel;
  repeats: number;
  message: string;
  fields: LogFields;
  timer: Timer;
}

/**
 * Limits warnings that a peer can cause as often as it likes. The first one of a kind is logged at
 * once. After WARNING_INTERVAL_MS the last one since is logged, with the number of repeats, so that
 * the log shows every kind and is not flooded.
 */
export class ThrottledWarnings {
  readonly #env: Pick<Env, "timers">;
  readonly #logger: Logger;
  readonly #kinds = new Map<string, Throttled>();
  #closed = false;

  constructor(env: Pick<Env, "timers">, logger: Logger) {
    this.#env = env;
    this.#logger = logger;
  }

  /** Warnings with the same `key` are of one kind. */
  warn(key: string, message: string, fields: LogFields, level: LogLevel = "warn"): void {
    if (this.#closed) return;
    const full = this.#kinds.size >= MAX_WARNING_KEYS && !this.#kinds.has(key);
    const kind = full ? "others" : key;
    const known = this.#kinds.get(kind);
    if (known !== undefined) {
      known.repeats++;
      known.message = message;
      known.fields = fields;
      return;
    }
    this.#logger[level](message, fields);
    this.#kinds.set(kind, { level, repeats: 0, message, fields, timer: this.#arm(kind) });
  }

  close(): void {
    this.#closed = true;
    for (const [key, { timer }] of this.#kinds) {
      timer.cancel();
      this.#logRepeats(key);
    }
    this.#kinds.clear();
  }

  #arm(key: string): Timer {
    return this.#env.timers.after(WARNING_INTERVAL_MS, () => {
      if (!this.#logRepeats(key)) this.#kinds.delete(key);
      else this.#kinds.get(key)!.timer = this.#arm(key);
    });
  }

  /** False when there is nothing to log. */
  #logRepeats(key: string): boolean {
    const throttled = this.#kinds.get(key)!;
    if (throttled.repeats === 0) return false;
    const repeats = throttled.repeats;
    throttled.repeats = 0;
    const message = `${throttled.message} (${repeats} more like this)`;
    this.#logger[throttled.level](message, { ...throttled.fields, repeats });
    return true;
  }
}
