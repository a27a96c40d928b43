/**
 * Where the broker says what an operator should know. Never on a path taken per record. Any object
 * with these four functions will do; a pino is one that takes the message behind the fields, which
 * a hook of its own turns round (see the README).
 */
export interface Logger {
  /**
   * The lowest level it writes; `info` when left out. What is below it may be kept from the logger,
   * so that nothing is put together in vain. Levels that are not ours may be named, as pino's are.
   */
  readonly level?: string;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What goes beside the message. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** pino's levels, the lowest first. */
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** Whether the logger writes lines of that level. One whose own level is unknown writes all. */
export function isLogged({ level = "info" }: Logger, ofLine: LogLevel): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(ofLine);
}

/** For embedded brokers, which say nothing unless they are given a logger. */
export const silentLogger: Logger = {
  level: "error",
  debug() {},
  info() {},
  warn() {},
  error() {},
};
