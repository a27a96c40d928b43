/**
 * The broker's log for operators; never used per record. Any object with these four functions will
 * do. pino takes the message after the fields, which a hook of pino reverses (see the README).
 */
export interface Logger {
  /**
   * The lowest level that it writes; default `info`. Lines below it may be left out, so that they
   * need not be built. Other names of levels are allowed, such as pino's.
   */
  readonly level?: string;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Logged beside the message. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** pino's levels, the lowest first. */
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** Whether the logger writes lines of that level. A logger with an unknown level writes all. */
export function isLogged({ level = "info" }: Logger, ofLine: LogLevel): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(ofLine);
}

/** The default of embedded brokers. */
export const silentLogger: Logger = {
  level: "error",
  debug() {},
  info() {},
  warn() {},
  error() {},
};
